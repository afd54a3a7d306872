package dev.qdistill.simulate;

import dev.qdistill.security.Protocol;
import java.util.List;
import java.util.Locale;

/** The links that {@code simulate --link} knows; docs/simulation.md has them in a table. */
public enum NamedLink {
    /** On a table: an attenuator, a gigahertz source, gated avalanche diodes. */
    LAB,
    /** 25 km of fibre in a city, gated avalanche diodes. */
    METRO,
    /** 75 km of fibre between cities, superconducting nanowires. */
    BACKBONE,
    /** One pass of a satellite in a low orbit, like Micius: 273 s, closest at 645 km. */
    SATELLITE;

    public LinkModel model() {
        return switch (this) {
            case LAB ->
                new LinkModel(
                        id(),
                        new Source(Protocol.ONE_DECOY, 1e9, List.of(.4, .12), List.of(.6, .4), .8),
                        new Attenuation.Constant(3),
                        new Receiver(.8, 2, .25, 2e-6, 100e-9),
                        .01,
                        0);
            case METRO ->
                new LinkModel(
                        id(),
                        new Source(Protocol.ONE_DECOY, 1e9, List.of(.4, .15), List.of(.6, .4), .8),
                        new Attenuation.Fibre(25, .2),
                        new Receiver(.8, 2, .25, 1e-6, 50e-9),
                        .01,
                        0);
            case BACKBONE ->
                new LinkModel(
                        id(),
                        new Source(Protocol.ONE_DECOY, 1.25e9, List.of(.45, .15), List.of(.65, .35), .8),
                        new Attenuation.Fibre(75, .2),
                        new Receiver(.8, 1.5, .8, 1e-8, 30e-9),
                        .01,
                        0);
            case SATELLITE ->
                new LinkModel(
                        id(),
                        new Source(Protocol.ONE_DECOY, 1e8, List.of(.5, .1), List.of(.5, .5), .5),
                        new Attenuation.SatellitePass(273, 645, 7.6, 27.13),
                        new Receiver(.5, 1.5, .5, 3e-7, 50e-9),
                        .0087,
                        0);
        };
    }

    /** The name on the command line. */
    public String id() {
        return name().toLowerCase(Locale.ROOT);
    }
}
