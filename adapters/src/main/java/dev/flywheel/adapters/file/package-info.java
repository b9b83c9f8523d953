/** What is said of files that cannot be used; it may not use them itself. */
@NullMarked
package dev.flywheel.adapters.file;

import org.jspecify.annotations.NullMarked;
