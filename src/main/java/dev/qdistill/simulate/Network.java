package dev.qdistill.simulate;

import dev.qdistill.simulate.Network.Node.Kind;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.SplittableRandom;

/**
 * A network of links, for exercising whatever works on many: nodes, all of them trusted, and a session of each link. It
 * follows from a seed.
 *
 * @param nodes where keys are made and passed on
 * @param links between them
 */
public record Network(List<Node> nodes, List<Link> links) {
    /** Figures of the national network of 2025: 145 nodes joined by 144 fibres, 10,103 km in all, and 20 cities. */
    private static final int TRUNK_NODES = 145;

    private static final double TRUNK_KM = 10_103;
    private static final int CITIES = 20;
    /** Ours: the publication does not say. */
    private static final int SITES_IN_A_CITY = 3;

    private static final int GROUND_STATIONS = 6;
    /** Key-basis bits of a session at scale 1. */
    private static final double KEY_BITS = 1e7;

    public Network {
        nodes = List.copyOf(nodes);
        links = List.copyOf(links);
    }

    /**
     * A node.
     *
     * @param name unique in the network
     * @param kind what it is
     */
    public record Node(String name, Kind kind) {
        /** What a node is. */
        public enum Kind {
            TRUNK,
            CITY_SITE,
            SATELLITE;

            /** The name in files. */
            public String id() {
                return name().toLowerCase(Locale.ROOT).replace('_', '-');
            }
        }
    }

    /**
     * A link and its session.
     *
     * @param name unique in the network
     * @param group trunk, metro or satellite
     * @param from Alice's node
     * @param to Bob's node
     * @param model of the link
     * @param pulses of the session
     * @param seed of everything random in it
     */
    public record Link(String name, String group, String from, String to, LinkModel model, long pulses, long seed) {}

    /** What {@code simulate --network} knows. */
    public enum Named {
        /** The trunk, metropolitan networks at twenty of its nodes, and passes of a satellite over six. */
        NATIONAL,
        /** The trunk alone: 144 links between trusted nodes. */
        TRUNK;

        /** The name on the command line. */
        public String id() {
            return name().toLowerCase(Locale.ROOT);
        }

        /**
         * The network.
         *
         * @param seed of the lengths, the error rates and the sessions
         * @param scale of the sessions: at 1 fibres give 10^7 key-basis bits each; a pass is whole from 0.1 on
         * @throws IllegalArgumentException if the scale is not 0.0001 to 1000
         */
        public Network network(long seed, double scale) {
            LinkModel.require(scale >= 1e-4 && scale <= 1000, "The scale must be 0.0001 to 1000, not", scale);
            return new Builder(seed, scale).build(this);
        }
    }

    private static final class Builder {
        private final SplittableRandom random;
        private final double scale;
        private final List<Node> nodes = new ArrayList<>();
        private final List<Link> links = new ArrayList<>();

        Builder(long seed, double scale) {
            this.random = new SplittableRandom(seed);
            this.scale = scale;
        }

        Network build(Named which) {
            trunk();
            if (which == Named.NATIONAL) {
                cities();
                passes();
            }
            return new Network(nodes, links);
        }

        /** A tree: long lines of nodes with a few branches. */
        private void trunk() {
            nodes.add(new Node(trunkName(0), Kind.TRUNK));
            double[] km = new double[TRUNK_NODES - 1];
            double sum = 0;
            for (int i = 0; i < km.length; i++) {
                km[i] = random.nextDouble(50, 90);
                sum += km[i];
            }
            for (int i = 1; i < TRUNK_NODES; i++) {
                int from = random.nextDouble() < .85 ? i - 1 : random.nextInt(i);
                nodes.add(new Node(trunkName(i), Kind.TRUNK));
                fibre("trunk", trunkName(from), trunkName(i), NamedLink.BACKBONE.model(), km[i - 1] * TRUNK_KM / sum);
            }
        }

        private static String trunkName(int i) {
            return String.format(Locale.ROOT, "t%03d", i + 1);
        }

        private void cities() {
            Set<Integer> at = new HashSet<>();
            for (int city = 1; city <= CITIES; city++) {
                int node = random.nextInt(TRUNK_NODES);
                while (!at.add(node)) {
                    node = random.nextInt(TRUNK_NODES);
                }
                for (int site = 1; site <= SITES_IN_A_CITY; site++) {
                    String name = String.format(Locale.ROOT, "m%02d-%d", city, site);
                    nodes.add(new Node(name, Kind.CITY_SITE));
                    fibre("metro", trunkName(node), name, NamedLink.METRO.model(), random.nextDouble(5, 35));
                }
            }
        }

        private void fibre(String group, String from, String to, LinkModel base, double km) {
            double length = Math.round(km * 10) / 10.0;
            String name = from + "_" + to;
            LinkModel model = new LinkModel(
                    name,
                    base.source(),
                    new Attenuation.Fibre(length, .2),
                    base.receiver(),
                    Math.round(random.nextDouble(.006, .022) * 1e4) / 1e4,
                    0);
            long keyBits = Math.max(1, Math.round(scale * KEY_BITS));
            links.add(new Link(name, group, from, to, model, model.pulsesForKeyBits(keyBits), random.nextLong()));
        }

        private void passes() {
            String satellite = "s1";
            nodes.add(new Node(satellite, Kind.SATELLITE));
            Set<Integer> at = new HashSet<>();
            LinkModel base = NamedLink.SATELLITE.model();
            double share = Math.min(1, 10 * scale);
            while (at.size() < GROUND_STATIONS) {
                int node = random.nextInt(TRUNK_NODES);
                if (at.add(node)) {
                    String name = satellite + "_" + trunkName(node);
                    LinkModel model = new LinkModel(
                            name,
                            base.source(),
                            new Attenuation.SatellitePass(273 * share, random.nextDouble(560, 760), 7.6, 27.13),
                            base.receiver(),
                            base.misalignment(),
                            0);
                    links.add(new Link(
                            name,
                            "satellite",
                            satellite,
                            trunkName(node),
                            model,
                            model.mostPulses(),
                            random.nextLong()));
                }
            }
        }
    }
}
