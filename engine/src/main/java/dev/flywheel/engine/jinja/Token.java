package dev.flywheel.engine.jinja;

/**
 * One piece of a template.
 *
 * @param text the name or operator, a string's or number's value as text, or the text between tags
 */
record Token(Kind kind, String text, int line) {
    enum Kind {
        /** Text between tags, printed as it is. */
        DATA, PRINT_BEGIN, PRINT_END, TAG_BEGIN, TAG_END, NAME, STRING, INTEGER, FLOAT, OPERATOR,
        END
    }

    boolean is(Kind wanted, String wantedText) {
        return kind == wanted && text.equals(wantedText);
    }

    boolean isName(String name) {
        return is(Kind.NAME, name);
    }

    boolean isOperator(String operator) {
        return is(Kind.OPERATOR, operator);
    }

    /** How it is called in a message. */
    String shown() {
        return switch (kind) {
            case DATA -> "template text";
            case PRINT_BEGIN -> "'{{'";
            case PRINT_END -> "'}}'";
            case TAG_BEGIN -> "'{%'";
            case TAG_END -> "'%}'";
            case END -> "end of template";
            case STRING -> "a string";
            case NAME, INTEGER, FLOAT, OPERATOR -> "'" + text + "'";
        };
    }
}
