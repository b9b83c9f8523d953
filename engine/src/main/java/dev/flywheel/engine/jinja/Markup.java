package dev.flywheel.engine.jinja;

/** Text marked {@code safe}: what is added to it with {@code +} is escaped for HTML, even in chats. */
record Markup(String text) {
    Markup plus(Object other) {
        return new Markup(text + escaped(other));
    }

    Markup after(String other) {
        return new Markup(escaped(other) + text);
    }

    private static String escaped(Object other) {
        return other instanceof Markup markup
                ? markup.text()
                : PythonText.str(other)
                        .replace("&", "&amp;")
                        .replace(">", "&gt;")
                        .replace("<", "&lt;")
                        .replace("'", "&#39;")
                        .replace("\"", "&#34;");
    }
}
