/** Measurements that {@code ./flywheel bench} makes; nothing here is used while a node serves. */
@NullMarked
package dev.flywheel.app.bench;

import org.jspecify.annotations.NullMarked;
