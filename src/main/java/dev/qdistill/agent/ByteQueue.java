package dev.qdistill.agent;

import com.google.protobuf.ByteString;
import java.nio.ByteBuffer;
import java.nio.channels.ReadableByteChannel;
import java.util.ArrayDeque;
import java.util.Deque;

/**
 * The bytes of a stream between who receives them, who must never wait, and who reads them. Bounded: {@code room} is called each
 * time that one more message may come.
 */
final class ByteQueue implements ReadableByteChannel {
    /** With this many bytes waiting no more are asked for. */
    static final int CAPACITY = 4 << 20;

    private final Runnable room;
    private final Deque<ByteString> waiting = new ArrayDeque<>();
    private int at;
    private long bytes;
    private boolean asked = true;
    private boolean ended;
    private boolean open = true;

    /** @param room asks for one more message; the first is asked for already */
    ByteQueue(Runnable room) {
        this.room = room;
    }

    /** A message has come. */
    void put(ByteString data) {
        boolean ask;
        synchronized (this) {
            if (open && !ended) {
                waiting.add(data);
                bytes += data.size();
                notifyAll();
            }
            asked = false;
            ask = ask();
        }
        if (ask) {
            room.run();
        }
    }

    /** No more will come: the stream has ended, or is cut. */
    synchronized void end() {
        ended = true;
        notifyAll();
    }

    /** The bytes that wait. */
    synchronized long size() {
        return bytes;
    }

    private boolean ask() {
        if (asked || ended || open && bytes >= CAPACITY) {
            return false;
        }
        asked = true;
        return true;
    }

    /** Waits for a byte at least; -1 at the end. */
    @Override
    public int read(ByteBuffer target) {
        int read = 0;
        boolean ask;
        synchronized (this) {
            try {
                while (open && !ended && waiting.isEmpty()) {
                    wait();
                }
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                return -1;
            }
            if (!open || waiting.isEmpty()) {
                return -1;
            }
            while (target.hasRemaining() && !waiting.isEmpty()) {
                ByteString first = waiting.getFirst();
                int length = Math.min(target.remaining(), first.size() - at);
                first.substring(at, at + length).copyTo(target);
                at += length;
                read += length;
                bytes -= length;
                if (at == first.size()) {
                    waiting.removeFirst();
                    at = 0;
                }
            }
            ask = ask();
        }
        if (ask) {
            room.run();
        }
        return read;
    }

    @Override
    public synchronized boolean isOpen() {
        return open;
    }

    /** Nobody reads any more: what waits, and what comes, is dropped. */
    @Override
    public void close() {
        boolean ask;
        synchronized (this) {
            open = false;
            waiting.clear();
            bytes = 0;
            notifyAll();
            ask = ask();
        }
        if (ask) {
            room.run();
        }
    }
}
