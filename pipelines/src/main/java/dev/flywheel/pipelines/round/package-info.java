/**
 * The round driver: claims examples, has them trained, ends rounds. The store is the commit log, Flink state only a cache.
 */
@NullMarked
package dev.flywheel.pipelines.round;

import org.jspecify.annotations.NullMarked;
