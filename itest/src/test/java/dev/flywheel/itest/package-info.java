/**
 * End-to-end, fault, abuse and architecture tests; cross-module benches.
 *
 * <p>It may use everything, and nothing may use it: it holds tests only.
 * A test here may not assert what a module's own unit test could.
 */
@NullMarked
package dev.flywheel.itest;

import org.jspecify.annotations.NullMarked;
