/** What is said of files that cannot be used. */
@NullMarked
package dev.flywheel.app.file;

import org.jspecify.annotations.NullMarked;
