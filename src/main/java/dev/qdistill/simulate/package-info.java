/**
 * A physical model of a decoy BB84 link that writes dumps.
 *
 * <p>For tests, demonstrations and benchmarks only: its random source is a seeded generator that anybody can run
 * again, so no key distilled from its dumps is secret.
 *
 * <p>The model, pulse by pulse. Alice draws a basis (Z with probability p_A), a bit (even) and an intensity k (p_k), and
 * sends a phase-randomised coherent pulse of mean photon number mu_k; a single-photon source sends one photon with
 * probability mu_0 and none otherwise. Of each photon's chances, eta(t) = 10^(-(channel loss + receiver loss)/10) · detector
 * efficiency is left; the channel's loss may change with time ({@link dev.qdistill.simulate.Attenuation}). Bob draws a basis
 * (Z with probability p_B), whose two detectors see the photons: with equal bases a photon goes to the detector of
 * Alice's bit with probability 1 - e and to the other one with e, the misalignment, which is the same in both
 * bases; with unequal bases to either with 1/2. Poisson statistics split: the two detectors are independent, and stay
 * dark with the probabilities
 *
 * <pre>  N_c = (1 - p_d) exp(-mu eta (1 - e)),   N_w = (1 - p_d) exp(-mu eta e),</pre>
 *
 * where p_d is the probability of a dark count (or stray light) in one detector's gate. So
 *
 * <pre>  P(only right) = (1 - N_c) N_w,  P(only wrong) = N_c (1 - N_w),  P(both) = (1 - N_c)(1 - N_w),
 *   gain Q = 1 - N_c N_w,            Q E = P(only wrong) + P(both) / 2,</pre>
 *
 * as a double click's bit is drawn at random (Lütkenhaus 1999). After a click the receiver is blind for the dead
 * time, all four detectors together, for a whole number D of pulses: of N pulses with the total click probability p,
 * N p / (1 + p D) are detected (a renewal process). An eavesdropper may measure a fraction r of the pulses in a
 * basis of her own, Z or X evenly, and send on a pulse of the same intensity in the state that she found: half of
 * those arrive with random bits, so that the probabilities above mix with those for e = 1/2 in the ratio 1 - r/2 to
 * r/2. Afterpulses are not in the model.
 *
 * <p>The sampling is exact and costs what is detected: the distance to the next click is geometric, the click's
 * category (bases, intensity, outcome) is drawn from its distribution given a click, and the totals of what was sent
 * in the other pulses from their distribution given none.
 */
@NullMarked
package dev.qdistill.simulate;

import org.jspecify.annotations.NullMarked;
