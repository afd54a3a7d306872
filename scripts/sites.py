"""Two sites on this machine: network namespaces, what joins them, processor time, keys. Used by the scripts here."""

import json
import os
import platform
import shutil
import signal
import subprocess
import sys
import threading

ROOT = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
QDISTILL = os.environ.get("QDISTILL", os.path.join(ROOT, "scripts", "qdistill"))
SITES = ("alice", "bob")
TICK = os.sysconf("SC_CLK_TCK")


def say(text):
    print(f"{os.path.basename(sys.argv[0])}: {text}", file=sys.stderr, flush=True)


def stop(text):
    say(text)
    sys.exit(2)


def line_options(p):
    """The options of the line between the sites."""
    p.add_argument("--delay", type=float, default=0, metavar="MS", help="each way; default: none")
    p.add_argument("--loss", type=float, default=0, metavar="PERCENT", help="of the frames, each way; default: none")
    p.add_argument("--path", choices=("auto", "direct", "netem", "relay"), default="auto",
                   help="auto: direct without delay and loss, else netem where the kernel has it, else the relay")
    p.add_argument("--congestion", metavar="NAME", help="TCP's congestion control, as bbr; default: the machine's")
    p.add_argument("--send-buffer", type=int, metavar="BYTES",
                   help="how much TCP keeps of a connection until it is acknowledged, at most (the last number of"
                        " net.ipv4.tcp_wmem); default: the machine's")
    p.add_argument("--name", metavar="TEXT", help="put into the result")
    p.add_argument("--append", metavar="FILE", help="add the result to this file too")


def result_of(a, values):
    """Prints a result as one line of JSON, with the machine."""
    line = json.dumps({"name": a.name, **values, "machine": f"{processor()}, {os.cpu_count()} cores, Linux {platform.release()}"})
    print(line)
    if a.append:
        with open(a.append, "a") as f:
            f.write(line + "\n")


def run(*command):
    """What a command prints; if it fails, what it complained about is shown."""
    done = subprocess.run(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if done.returncode != 0:
        print(done.stderr[-2000:], file=sys.stderr)
        stop(f"{' '.join(command)} ended with {done.returncode}")
    return done.stdout


class Network:
    """Two namespaces, one for each site, and what joins them."""

    def __init__(self, a, work):
        self.names = [f"qd{os.getpid()}{s}" for s in SITES]
        self.middle = f"qd{os.getpid()}line"
        self.relay = None
        self.made = []
        self.work = work
        try:
            self.make(a.path, a.delay, a.loss, a.congestion, a.send_buffer)
        except BaseException:
            self.close()
            raise

    def space(self, name):
        run("ip", "netns", "add", name)
        self.made.append(name)
        run("ip", "-n", name, "link", "set", "lo", "up")

    def inside(self, name, *command):
        return run("ip", "netns", "exec", name, *command)

    def make(self, path, delay, loss, congestion, send_buffer):
        for name in self.names:
            self.space(name)
        disturbed = delay > 0 or loss > 0
        if path == "auto":
            path = "direct" if not disturbed else "netem" if self.has_netem() else "relay"
        if path == "direct" and disturbed:
            stop("--path direct has neither delay nor loss")
        self.path = path
        if path == "relay":
            self.space(self.middle)
            for i, name in enumerate(self.names):
                run("ip", "link", "add", "line", "netns", name, "type", "veth", "peer", "name", f"end{i}",
                    "netns", self.middle)
                run("ip", "-n", self.middle, "link", "set", f"end{i}", "up")
        else:
            run("ip", "link", "add", "line", "netns", self.names[0], "type", "veth", "peer", "name", "line",
                "netns", self.names[1])
        for i, name in enumerate(self.names):
            self.inside(name, "sysctl", "-qw", "net.ipv6.conf.all.disable_ipv6=1")
            run("ip", "-n", name, "address", "add", f"10.77.0.{i + 1}/24", "dev", "line")
            run("ip", "-n", name, "link", "set", "line", "up")
            if send_buffer:
                self.inside(name, "sysctl", "-qw", f"net.ipv4.tcp_wmem=4096 16384 {send_buffer}")
            if congestion:
                run("ip", "-n", name, "route", "change", "10.77.0.0/24", "dev", "line", "src", f"10.77.0.{i + 1}",
                    "congctl", congestion)
            if path == "netem":
                self.inside(name, "tc", "qdisc", "add", "dev", "line", "root", "netem", "limit", "100000",
                            "delay", f"{delay}ms", "loss", f"{loss}%")
        if path == "relay":
            program = os.path.join(self.work, "frame-relay")
            compiler = os.environ.get("CC") or next((c for c in ("gcc", "clang", "cc") if shutil.which(c)), None)
            if compiler is None:
                stop("this kernel has no `tc netem`, and there is no C compiler for scripts/frame-relay.c")
            run(compiler, "-O2", "-pthread", "-o", program, os.path.join(ROOT, "scripts", "frame-relay.c"))
            for name in self.names:
                self.inside(name, program, "plain", "line")
            for i in range(2):
                self.inside(self.middle, program, "plain", f"end{i}")
            self.relay = subprocess.Popen(
                ["ip", "netns", "exec", self.middle, program, "end0", "end1", str(delay), str(loss), "1"],
                stdout=subprocess.PIPE, text=True)
            if self.relay.stdout.readline() != "ready\n":
                stop("the relay did not start")
        with open("/proc/sys/net/ipv4/tcp_congestion_control") as f:
            self.congestion = congestion or f.read().strip()

    def has_netem(self):
        tried = subprocess.run(["ip", "netns", "exec", self.names[0], "tc", "qdisc", "add", "dev", "lo", "root", "netem",
                                "delay", "1ms"], stderr=subprocess.DEVNULL)
        if tried.returncode == 0:
            self.inside(self.names[0], "tc", "qdisc", "del", "dev", "lo", "root")
        return tried.returncode == 0

    def close(self):
        """What passed through the relay, if there was one."""
        passed = None
        if self.relay is not None:
            self.relay.send_signal(signal.SIGTERM)
            passed = json.loads(self.relay.stdout.read() or "null")
            self.relay.wait()
            self.relay = None
        for name in self.made:
            subprocess.run(["ip", "netns", "delete", name], check=False)
        self.made = []
        return passed


class Ticks(threading.Thread):
    """Processor time of a process's threads by their names: the kernel forgets a thread when it ends, so it looks often."""

    KINDS = (("C1 Compiler", "compilation"), ("C2 Compiler", "compilation"), ("VM Thread", "collection"),
             ("grpc", "network"), ("qdistill-worker", "work"), ("qdistill-", "work"))

    def __init__(self, pid):
        super().__init__(daemon=True)
        self.directory = f"/proc/{pid}/task"
        self.seen = {}
        self.over = threading.Event()

    def run(self):
        while not self.over.wait(0.2):
            self.look()

    def look(self):
        try:
            for tid in os.listdir(self.directory):
                with open(f"{self.directory}/{tid}/stat") as f:
                    head, _, tail = f.read().rpartition(")")
                fields = tail.split()
                self.seen[tid] = (head.partition("(")[2], int(fields[11]) + int(fields[12]))
        except OSError:
            pass  # it ended

    def seconds(self):
        sums = {}
        for name, ticks in self.seen.values():
            kind = next((k for prefix, k in self.KINDS if name.startswith(prefix)), "other")
            sums[kind] = sums.get(kind, 0) + ticks / TICK
        return sums


def same_keys(directories):
    """Compares the keys of both sites, bit by bit; their number, 0 if they are not equal."""
    sites = []
    for d in directories:
        keys = {}
        for name in os.listdir(d):
            if name.endswith(".qkey"):
                with open(os.path.join(d, name), "rb") as f:
                    data = f.read()
                header = int.from_bytes(data[12:16], "little")  # docs/formats.md
                bits = int.from_bytes(data[56:64], "little")
                keys[name] = data[header:header + (bits + 7) // 8]
        sites.append(keys)
    return len(sites[0]) if sites[0] == sites[1] else 0


def share(values, p):
    """The p-quantile: the smallest value that at least a share p of them does not exceed."""
    ordered = sorted(values)
    return ordered[max(0, -(-int(p * 1000) * len(ordered) // 1000) - 1)]


def processor():
    with open("/proc/cpuinfo") as f:
        return next((line.partition(":")[2].strip() for line in f if line.startswith("model name")), platform.machine())
