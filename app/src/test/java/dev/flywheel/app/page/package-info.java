@NullMarked
package dev.flywheel.app.page;

import org.jspecify.annotations.NullMarked;
