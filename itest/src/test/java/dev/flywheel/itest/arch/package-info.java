/** The borders of the modules, as tests. Plain JUnit methods: no rule can be skipped by an engine that failed to load. */
@NullMarked
package dev.flywheel.itest.arch;

import org.jspecify.annotations.NullMarked;
