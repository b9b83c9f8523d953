package dev.flywheel.app.replay;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectReader;
import com.fasterxml.jackson.dataformat.csv.CsvMapper;
import com.fasterxml.jackson.dataformat.csv.CsvParser;
import dev.flywheel.adapters.file.FileProblem;
import dev.flywheel.app.local.StartException;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.MalformedInputException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;

/**
 * Ratings and items in the CSV form of MovieLens.
 *
 * <p>{@code userId,movieId,rating,timestamp} and {@code movieId,title,genres}. Rows that break the form are counted
 * and named, never skipped in silence; a file without the header line is refused.
 */
public record MovieLens(List<Rating> ratings, Map<Integer, Item> items, BadRows badRows) {
    private static final String RATINGS_HEADER = "userId,movieId,rating,timestamp";
    private static final String ITEMS_HEADER = "movieId,title,genres";
    private static final Pattern WHOLE = Pattern.compile("\\d{1,18}");
    private static final Pattern DECIMAL = Pattern.compile("\\d{1,9}(\\.\\d{1,9})?");

    /** Line by line, so that an open quote spoils its own line only and a bad row has a number. */
    private static final ObjectReader CSV =
            new CsvMapper().readerFor(String[][].class).with(CsvParser.Feature.WRAP_AS_ARRAY);

    /** Texts of bad rows that are kept; the others are only counted. */
    private static final int BAD_ROWS_KEPT = 20;

    /** One rating; time in seconds since 1970. */
    public record Rating(int user, int item, double stars, long time) {
        public boolean liked() {
            return stars >= 4;
        }
    }

    /** What may be read about an item. */
    public record Item(String title, List<String> genres) {}

    /** Rows that break the form: how many, and the first of them by file, line and cause. */
    public record BadRows(long count, List<String> first) {}

    /** Collects bad rows in bounded memory. */
    private static final class BadRowCount {
        private final List<String> first = new ArrayList<>();
        private long count;

        void add(String row) {
            count++;
            if (first.size() < BAD_ROWS_KEPT) {
                first.add(row);
            }
        }

        BadRows rows() {
            return new BadRows(count, List.copyOf(first));
        }
    }

    /** A file that is not what it should be; the message says what was found and what is expected. */
    public static final class FormatException extends RuntimeException {
        private static final long serialVersionUID = 1L;

        FormatException(String message) {
            super(message);
        }
    }

    /**
     * Reads both files; ratings in order of time, ties by user, then item.
     *
     * @throws FormatException if a file is not of this form
     * @throws StartException if a file cannot be read
     */
    public static MovieLens read(Path ratingsFile, Path itemsFile) {
        BadRowCount bad = new BadRowCount();
        Map<Integer, Item> items = new HashMap<>();
        rows(itemsFile, ITEMS_HEADER, bad, fields -> item(fields, items));
        List<Rating> ratings = new ArrayList<>();
        rows(ratingsFile, RATINGS_HEADER, bad, fields -> ratings.add(rating(fields, items)));
        ratings.sort(
                Comparator.comparingLong(Rating::time)
                        .thenComparingInt(Rating::user)
                        .thenComparingInt(Rating::item));
        return new MovieLens(List.copyOf(ratings), Map.copyOf(items), bad.rows());
    }

    private interface RowReader {
        void read(List<String> fields);
    }

    private static void rows(Path file, String header, BadRowCount bad, RowReader reader) {
        try (BufferedReader lines = Files.newBufferedReader(file, StandardCharsets.UTF_8)) {
            String first = lines.readLine();
            if (first == null || !stripped(first).equals(header)) {
                throw new FormatException(
                        "%s is not a MovieLens file: its first line is \"%s\", expected \"%s\""
                                .formatted(file, shortened(first), header));
            }
            int number = 1;
            String line = lines.readLine();
            while (line != null) {
                number++;
                String next = lines.readLine();
                // Many editors end a file with an empty line; it is no row.
                if (next != null || !line.isBlank()) {
                    read(file, number, line, bad, reader);
                }
                line = next;
            }
        } catch (MalformedInputException e) {
            throw new FormatException("%s is not UTF-8 text".formatted(file));
        } catch (IOException e) {
            throw new StartException(
                    "cannot read %s (%s); check the path and its rights"
                            .formatted(file, FileProblem.words(e)),
                    e);
        }
    }

    private static void read(Path file, int number, String line, BadRowCount bad,
            RowReader reader) {
        try {
            if (line.isBlank()) {
                throw new IllegalArgumentException("is blank");
            }
            reader.read(fields(line));
        } catch (IllegalArgumentException e) {
            bad.add(
                    "%s line %d: %s: \"%s\""
                            .formatted(file.getFileName(), number, e.getMessage(),
                                    shortened(line)));
        }
    }

    private static void item(List<String> fields, Map<Integer, Item> items) {
        require(fields, 3);
        String genres = fields.get(2).trim();
        List<String> names =
                genres.isEmpty() || genres.startsWith("(") ? List.of()
                        : List.of(genres.split("\\|", -1));
        int id = whole("movieId", fields.get(0));
        if (items.putIfAbsent(id, new Item(fields.get(1).trim(), names)) != null) {
            throw new IllegalArgumentException("movieId stands in an earlier line too");
        }
    }

    private static Rating rating(List<String> fields, Map<Integer, Item> items) {
        require(fields, 4);
        double stars = decimal("rating", fields.get(2));
        if (stars > 5) {
            throw new IllegalArgumentException("rating is outside 0 to 5");
        }
        int item = whole("movieId", fields.get(1));
        if (!items.containsKey(item)) {
            throw new IllegalArgumentException("movieId is not in the items file");
        }
        long time = wholeLong("timestamp", fields.get(3));
        return new Rating(whole("userId", fields.get(0)), item, stars, time);
    }

    private static void require(List<String> fields, int count) {
        if (fields.size() != count) {
            throw new IllegalArgumentException(
                    "has %d fields, expected %d".formatted(fields.size(), count));
        }
    }

    private static int whole(String name, String text) {
        try {
            return Integer.parseInt(text.trim());
        } catch (NumberFormatException e) {
            throw new IllegalArgumentException(name + " is not a whole number", e);
        }
    }

    private static long wholeLong(String name, String text) {
        if (!WHOLE.matcher(text.trim()).matches()) {
            throw new IllegalArgumentException(name + " is not a whole number");
        }
        return Long.parseLong(text.trim());
    }

    private static double decimal(String name, String text) {
        if (!DECIMAL.matcher(text.trim()).matches()) {
            throw new IllegalArgumentException(name + " is not a number");
        }
        return Double.parseDouble(text.trim());
    }

    /** Splits a CSV line; a field may be quoted, a doubled quote inside stands for one. */
    private static List<String> fields(String line) {
        try {
            List<String> fields = List.of(CSV.<String[][]>readValue(line)[0]);
            for (String field : fields) {
                requireQuoted(field, line);
            }
            return fields;
        } catch (JsonProcessingException e) {
            throw new IllegalArgumentException("is not CSV: " + e.getOriginalMessage(), e);
        }
    }

    /** Jackson takes a quote inside a bare field as it is; here it is more likely a broken line. */
    private static void requireQuoted(String field, String line) {
        if (field.contains("\"")
                && !line.contains("\"" + field.replace("\"", "\"\"") + "\"")) {
            throw new IllegalArgumentException("has a quote inside a bare field");
        }
    }

    private static String stripped(String line) {
        return line.startsWith("\uFEFF") ? line.substring(1).trim() : line.trim();
    }

    private static String shortened(@org.jspecify.annotations.Nullable String line) {
        String text = line == null ? "" : line.replaceAll("\\p{Cntrl}", "?");
        return text.length() <= 80 ? text : text.substring(0, 80) + "...";
    }
}
