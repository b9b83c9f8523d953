/** What the contract says of itself. */
@NullMarked
package dev.flywheel.api;

import org.jspecify.annotations.NullMarked;
