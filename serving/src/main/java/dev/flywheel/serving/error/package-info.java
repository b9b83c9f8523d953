/**
 * What can go wrong with a request, as data; it knows no transport.
 */
@NullMarked
package dev.flywheel.serving.error;

import org.jspecify.annotations.NullMarked;
