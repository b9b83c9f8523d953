/**
 * What a base model is: its shape read from {@code config.json}, and its mapped weights.
 *
 * <p>Families are data here, not code: a {@code ModelSpec} says which optional parts a family has. This
 * package may not compute anything beyond what loading needs.
 */
@NullMarked
package dev.flywheel.engine.model;

import org.jspecify.annotations.NullMarked;
