// What a device's memory gives: reads 16 bytes and writes 16 for each work-item.

__kernel void copy(__global const uint4 *from, __global uint4 *to) {
    size_t i = get_global_id(0);
    to[i] = from[i];
}
