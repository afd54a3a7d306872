package dev.qdistill.accel;

/** A device refused a call, failed at it, or did not answer in time. What it was to compute must be computed elsewhere. */
public final class DeviceException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /**
     * @param reason what happened, as a sentence without a full stop
     */
    public DeviceException(String reason) {
        super(reason);
    }
}
