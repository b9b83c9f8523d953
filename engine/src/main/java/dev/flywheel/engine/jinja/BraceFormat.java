package dev.flywheel.engine.jinja;

/** Python's {@code str.format} with plain places: {@code {}}, {@code {0}}, {@code {name}}. */
final class BraceFormat {
    private final Budget budget;

    BraceFormat(Budget budget) {
        this.budget = budget;
    }

    String text(String format, Arguments arguments) {
        StringBuilder out = new StringBuilder();
        int next = 0;
        int at = 0;
        while (at < format.length()) {
            char c = format.charAt(at);
            boolean doubled = at + 1 < format.length() && format.charAt(at + 1) == c;
            if (c != '{' && c != '}') {
                out.append(c);
                at++;
            } else if (doubled) {
                out.append(c);
                at += 2;
            } else {
                int end = format.indexOf('}', at);
                if (c == '}' || end < 0) {
                    throw TemplateException
                            .failed("Single '" + c + "' encountered in format string");
                }
                String place = format.substring(at + 1, end);
                out.append(budget.made(
                        value(place.isEmpty() ? Integer.toString(next++) : place, arguments)));
                at = end + 1;
            }
        }
        return budget.made(out.toString());
    }

    private static String value(String place, Arguments arguments) {
        if (place.matches("\\d{1,4}")) {
            int index = Integer.parseInt(place);
            if (index >= arguments.positional().size()) {
                throw TemplateException.failed(
                        "Replacement index " + index + " out of range for positional args tuple");
            }
            return PythonText.str(arguments.positional().get(index));
        }
        if (!place.matches("\\w+")) {
            throw TemplateException.unsupported("the format '{" + place + "}'");
        }
        if (!arguments.named().containsKey(place)) {
            throw TemplateException.failed(PythonText.repr(place));
        }
        return PythonText.str(arguments.named().get(place));
    }
}
