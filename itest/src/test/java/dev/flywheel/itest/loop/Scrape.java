package dev.flywheel.itest.loop;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** One scrape in Prometheus's text format 0.0.4. */
final class Scrape {
    private static final Pattern SAMPLE =
            Pattern.compile("([a-zA-Z_:][\\w:]*)(?:\\{(.*)})? (\\S+)(?: \\S+)?");
    private static final Pattern LABEL = Pattern.compile("(\\w+)=\"((?:[^\"\\\\]|\\\\.)*)\",?");

    /** A sample's name, labels and value. */
    record Sample(String name, Map<String, String> labels, double value) {}

    private final List<Sample> samples = new ArrayList<>();
    private final Map<String, String> help = new TreeMap<>();
    private final Map<String, String> types = new TreeMap<>();

    Scrape(String text) {
        text.lines().filter(line -> !line.isBlank()).forEach(this::read);
    }

    static Scrape of(String url) {
        try (InputStream body = URI.create(url).toURL().openStream()) {
            return new Scrape(new String(body.readAllBytes(), StandardCharsets.UTF_8));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private void read(String line) {
        if (line.startsWith("# ")) {
            String[] words = line.split(" ", 4);
            (words[1].equals("HELP") ? help : types).put(words[2],
                    words.length < 4 ? "" : words[3].strip());
            return;
        }
        Matcher sample = SAMPLE.matcher(line);
        if (!sample.matches()) {
            throw new AssertionError("no sample: " + line);
        }
        String labels = sample.group(2) == null ? "" : sample.group(2);
        samples.add(new Sample(sample.group(1), labels(labels),
                Double.parseDouble(sample.group(3).replace("+Inf", "Infinity"))));
    }

    private static Map<String, String> labels(String text) {
        Map<String, String> labels = new LinkedHashMap<>();
        Matcher label = LABEL.matcher(text);
        int end = 0;
        while (label.lookingAt()) {
            labels.put(label.group(1), label.group(2));
            end = label.end();
            label.region(end, text.length());
        }
        if (end != text.length()) {
            throw new AssertionError("no labels: " + text);
        }
        return labels;
    }

    /** Returns the samples of a name. */
    List<Sample> samples(String name) {
        return samples.stream().filter(each -> each.name().equals(name)).toList();
    }

    List<Sample> samples() {
        return samples;
    }

    /** Returns the values that each label of a metric has; no such metric: nothing. */
    Map<String, Set<String>> labelsOf(String name) {
        Map<String, Set<String>> values = new TreeMap<>();
        samples(name).forEach(sample -> sample.labels()
                .forEach((label, value) -> values.computeIfAbsent(label, any -> new TreeSet<>())
                        .add(value)));
        return values;
    }

    /** Returns the sum of the samples with these labels. */
    double sum(String name, Map<String, String> labels) {
        return samples(name).stream()
                .filter(each -> each.labels().entrySet().containsAll(labels.entrySet()))
                .mapToDouble(Sample::value)
                .sum();
    }

    Set<String> names() {
        Set<String> names = new TreeSet<>();
        samples.forEach(each -> names.add(each.name()));
        return names;
    }

    /** Returns families by type, as the text declares them. */
    Map<String, String> types() {
        return types;
    }

    Map<String, String> help() {
        return help;
    }

    /** Returns the family of a sample. */
    String family(String sample) {
        if (types.containsKey(sample)) {
            return sample;
        }
        for (String suffix : List.of("_bucket", "_count", "_sum")) {
            if (sample.endsWith(suffix)) {
                return sample.substring(0, sample.length() - suffix.length());
            }
        }
        return sample;
    }
}
