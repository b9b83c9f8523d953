/**
 * What the commands {@code model} and {@code adapter} do with folders: read, compute, write, and tell it as plain records.
 *
 * <p>It may not parse command lines or print.
 */
@NullMarked
package dev.flywheel.app.tool;

import org.jspecify.annotations.NullMarked;
