package dev.flywheel.app.oracle;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.flywheel.adapters.safetensors.SafetensorsFile;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * The prompts of a golden file and the scores after some of their tokens.
 *
 * @param prompts token ids
 * @param positions of each prompt, whose rows the golden tensor holds
 */
record GoldenRows(List<ObjectNode> entries, List<int[]> prompts, List<int[]> positions) {

    private static final List<String> INPUTS =
            List.of("name", "text", "ids", "positions", "logits");
    private static final Set<String> KNOWN =
            Set.of("name", "text", "ids", "positions", "logits", "argmax");
    private static final Pattern ROWS = Pattern.compile("logits\\.\\d+");

    static GoldenRows of(
            JsonNode golden, SafetensorsFile tensors, int vocabSize, Findings findings) {
        List<ObjectNode> entries = Entries.objects(golden, "prompts");
        Set<String> named = new HashSet<>();
        for (ObjectNode entry : entries) {
            KnownKeys.entry("prompts", entry, KNOWN, findings);
            if (!named.add(Entries.text(entry, "logits"))) {
                throw new BadCaseException(
                        "two prompts name the rows " + entry.path("logits").textValue());
            }
        }
        for (String name : tensors.names()) {
            if (!named.contains(name) && ROWS.matcher(name).matches()) {
                throw new BadCaseException("golden " + name + " belongs to no prompt");
            } else if (!named.contains(name)) {
                findings.notCompared(name);
            }
        }
        return new GoldenRows(
                entries,
                entries.stream().map(e -> Entries.tokens(e, "ids", vocabSize)).toList(),
                entries.stream().map(GoldenRows::positions).toList());
    }

    private static int[] positions(JsonNode entry) {
        int[] positions = OracleCase.ints(entry.path("positions"), "positions");
        if (positions.length == 0) {
            throw new BadCaseException("positions is empty, expected one or more");
        }
        return positions;
    }

    /** Returns the largest difference of any score of one prompt from the golden one. */
    double worst(int prompt, float[][] rows, SafetensorsFile golden) {
        float[] flat = flat(prompt, rows);
        String name = entries.get(prompt).path("logits").asText();
        return Difference.maxAbs(flat, OracleCase.golden(golden, name, flat.length));
    }

    /** Keeps the rows under the golden tensor's name. */
    void keep(int prompt, float[][] rows, Actual actual) {
        float[] flat = flat(prompt, rows);
        int count = positions.get(prompt).length;
        actual.tensor(
                entries.get(prompt).path("logits").asText(), flat, count,
                count == 0 ? 0 : flat.length / count);
        ObjectNode entry = actual.json().withArray("prompts").addObject();
        Entries.copyInputs(entries.get(prompt), entry, INPUTS);
        ArrayNode best = entry.putArray("argmax");
        for (int position : positions.get(prompt)) {
            best.add(argMax(rows[position]));
        }
    }

    /**
     * Compares the best tokens, where the case gives them. Where ours leads the golden one by no more
     * than both scores may be off, either is right.
     */
    void compareBest(int prompt, float[][] rows, double tolerance, Findings findings) {
        ObjectNode entry = entries.get(prompt);
        if (!entry.has("argmax")) {
            return;
        }
        int columns = rows[0].length;
        int[] expected = Entries.tokens(entry, "argmax", columns);
        int[] wanted = positions.get(prompt);
        if (expected.length != wanted.length) {
            throw new BadCaseException(
                    "argmax holds %d tokens, positions %d"
                            .formatted(expected.length, wanted.length));
        }
        for (int i = 0; i < wanted.length; i++) {
            float[] row = rows[wanted[i]];
            int best = argMax(row);
            double lead = (double) row[best] - row[expected[i]];
            if (!(lead <= 2 * tolerance)) {
                findings.problem(
                        "argmax after position %d of prompt %s is %d, expected %d, which is %.3g lower"
                                .formatted(wanted[i], entry.path("name"), best, expected[i], lead));
            }
        }
    }

    private float[] flat(int prompt, float[][] rows) {
        int[] wanted = positions.get(prompt);
        int columns = rows.length == 0 ? 0 : rows[0].length;
        float[] flat = new float[wanted.length * columns];
        for (int i = 0; i < wanted.length; i++) {
            if (wanted[i] < 0 || wanted[i] >= rows.length) {
                throw new BadCaseException(
                        "positions of prompt %d holds %d, the prompt has %d tokens"
                                .formatted(prompt, wanted[i], rows.length));
            }
            System.arraycopy(rows[wanted[i]], 0, flat, i * columns, columns);
        }
        return flat;
    }

    private static int argMax(float[] row) {
        int best = 0;
        for (int token = 1; token < row.length; token++) {
            if (row[token] > row[best]) {
                best = token;
            }
        }
        return best;
    }
}
