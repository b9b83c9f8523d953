/** A whole serving node on a real store and a tiny random model, for tests. */
@NullMarked
package dev.flywheel.serving.harness;

import org.jspecify.annotations.NullMarked;
