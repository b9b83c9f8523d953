package dev.flywheel.app.oracle;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.flywheel.adapters.safetensors.SafetensorsFile;
import java.util.List;

/**
 * The prompts of a golden file and the scores after some of their tokens.
 *
 * @param prompts token ids
 * @param positions of each prompt, whose rows the golden tensor holds
 */
record GoldenRows(List<JsonNode> entries, List<int[]> prompts, List<int[]> positions) {

    static GoldenRows of(JsonNode golden) {
        List<JsonNode> entries = OracleCase.list(golden, "prompts").valueStream().toList();
        return new GoldenRows(
                entries,
                entries.stream().map(e -> OracleCase.ints(e.path("ids"), "ids")).toList(),
                entries.stream()
                        .map(e -> OracleCase.ints(e.path("positions"), "positions"))
                        .toList());
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
        entry.setAll((ObjectNode) entries.get(prompt).deepCopy());
        ArrayNode best = entry.putArray("argmax");
        for (int position : positions.get(prompt)) {
            best.add(argMax(rows[position]));
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
