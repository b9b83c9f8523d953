@NullMarked
package dev.flywheel.api.access;

import org.jspecify.annotations.NullMarked;
