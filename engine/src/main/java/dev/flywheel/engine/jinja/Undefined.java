package dev.flywheel.engine.jinja;

import org.jspecify.annotations.Nullable;

/** What a name or member without a value is: empty, false, and an error in most operations. */
record Undefined(String message) {
    static Undefined name(String name) {
        return new Undefined(PythonText.repr(name) + " is undefined");
    }

    static Undefined member(Object key, @Nullable Object of) {
        return new Undefined(
                key instanceof String name
                        ? PythonText.repr(Kinds.described(of)) + " has no attribute "
                                + PythonText.repr(name)
                        : Kinds.described(of) + " has no element " + PythonText.repr(key));
    }

    TemplateException failure() {
        return TemplateException.failed(message);
    }
}
