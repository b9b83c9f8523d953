package dev.flywheel.app.oracle;

import com.fasterxml.jackson.annotation.JsonValue;
import java.util.Locale;

/** What became of a case. */
public enum Outcome {
    /** Within all tolerances, or refused or accepted as asked. */
    PASS,
    /** Not supported, said so by name, and the case allows that. */
    REFUSED,
    /** Anything else. */
    FAIL;

    /** Returns the word for it in reports. */
    @JsonValue
    public String word() {
        return name().toLowerCase(Locale.ROOT);
    }
}
