package dev.flywheel.engine.jinja;

/** Text marked {@code safe}. Jinja2 escapes what is joined to it, so only printing it is taken. */
record Markup(String text) {}
