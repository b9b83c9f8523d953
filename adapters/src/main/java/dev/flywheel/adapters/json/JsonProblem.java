package dev.flywheel.adapters.json;

import com.fasterxml.jackson.core.JsonLocation;
import com.fasterxml.jackson.core.JsonProcessingException;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/** What a parser has against a text, in one line for the person who wrote the text. */
public final class JsonProblem {
    private static final int LENGTH_MAX = 600;

    /** A place within the message; the source's name in it says nothing. */
    private static final Pattern PLACE =
            Pattern.compile("\\[Source: .*?; line: (\\d+), column: (\\d+)\\]", Pattern.DOTALL);

    private static final Pattern MARK =
            Pattern.compile("^ in .*, (line \\d+, column \\d+)", Pattern.MULTILINE);

    private static final Pattern TRAILING = Pattern.compile("Trailing token \\(.*", Pattern.DOTALL);

    private JsonProblem() {}

    /** Returns the problem with line and column, as far as they are known. */
    public static String located(JsonProcessingException e) {
        // A YAML parser's own mark is the problem; the location is only the last token before it.
        Optional<String> mark =
                MARK.matcher(String.valueOf(e.getOriginalMessage()))
                        .results()
                        .reduce((earlier, last) -> last)
                        .map(found -> found.group(1));
        if (mark.isPresent()) {
            return "%s (%s)".formatted(text(e), mark.get());
        }
        JsonLocation at = e.getLocation();
        return at == null || at.getLineNr() < 1
                ? text(e)
                : "%s (line %d, column %d)".formatted(text(e), at.getLineNr(), at.getColumnNr());
    }

    /** Returns the problem without its place, where another one is known. */
    public static String text(JsonProcessingException e) {
        String message = String.valueOf(e.getOriginalMessage());
        message = PLACE.matcher(message).replaceAll("line $1, column $2");
        message = TRAILING.matcher(message).replaceAll("more text follows after its end");
        // A YAML parser adds the text around the problem, indented.
        String line = message.lines()
                .filter(part -> !part.isBlank() && !Character.isWhitespace(part.charAt(0)))
                .collect(Collectors.joining(": "));
        // The parser quotes what it could not read, however long that is.
        return line.length() <= LENGTH_MAX ? line
                : line.substring(0, LENGTH_MAX / 2)
                        + " ... "
                        + line.substring(line.length() - LENGTH_MAX / 2);
    }
}
