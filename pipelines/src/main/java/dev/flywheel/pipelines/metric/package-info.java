/** What the job reports of itself, by names that others read. */
@NullMarked
package dev.flywheel.pipelines.metric;

import org.jspecify.annotations.NullMarked;
