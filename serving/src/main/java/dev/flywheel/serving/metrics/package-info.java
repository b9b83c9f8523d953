/**
 * What the node counts and times. It depends on no other package of the node; labels never hold ids or text.
 */
@NullMarked
package dev.flywheel.serving.metrics;

import org.jspecify.annotations.NullMarked;
