package dev.qdistill.accel;

/**
 * A device, as its driver describes it.
 *
 * @param index of {@code --backend opencl:INDEX}: devices of all platforms counted from 0
 * @param platform the platform's name
 * @param name the device's name
 * @param kind cpu, gpu, accelerator or other
 * @param version of OpenCL, with what the driver adds
 * @param driver version of the driver
 * @param computeUnits what runs side by side
 * @param groupSize the largest work-group
 * @param localBytes memory of a work-group
 * @param globalBytes memory
 * @param largestBuffer the largest buffer, bytes
 */
public record DeviceDescription(
        int index,
        String platform,
        String name,
        String kind,
        String version,
        String driver,
        int computeUnits,
        int groupSize,
        long localBytes,
        long globalBytes,
        long largestBuffer) {
    /** Whether it is this machine's processor itself. */
    public boolean isCpu() {
        return kind.equals("cpu");
    }
}
