/**
 * The fast backend for CPUs, on the Vector API.
 *
 * <p>May use the JDK, {@code jdk.incubator.vector} (of which it is the only user) and {@code
 * backend}. Results do not depend on the number of threads, the other rows of a call or what the
 * just-in-time compiler has done so far: every sum has one order, and no operation is used whose
 * order the Vector API leaves open ({@code reduceLanes} of floats) or whose bits differ between
 * interpreter and compiled code (its transcendental functions).
 */
@NullMarked
package dev.flywheel.engine.backend.cpu;

import org.jspecify.annotations.NullMarked;
