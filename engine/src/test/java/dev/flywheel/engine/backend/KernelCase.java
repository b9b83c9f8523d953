package dev.flywheel.engine.backend;

import java.util.List;
import java.util.function.Function;

/**
 * One kernel with one set of inputs.
 *
 * @param name kernel, type and shape
 * @param tolerance allowed difference, relative to 1 plus the largest value of the output
 * @param run makes the same inputs on any device, calls the kernel and returns its outputs
 */
record KernelCase(String name, double tolerance, Function<Device, List<Buffer>> run) {
    @Override
    public String toString() {
        return name;
    }
}
