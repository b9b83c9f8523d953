/**
 * Who may call which method: roles, the keys and certificates that carry them, and the gate before every service.
 */
@NullMarked
package dev.flywheel.api.access;

import org.jspecify.annotations.NullMarked;
