package dev.flywheel.app.oracle;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.flywheel.engine.chat.ChatTemplates;
import dev.flywheel.engine.tokenizer.StreamDecoder;
import dev.flywheel.engine.tokenizer.Tokenizer;
import java.time.ZonedDateTime;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Cases of kind {@code tokenizer}: ids, decoding, streams of pieces, chats; all exact. */
final class TokenizerJudge implements Judge {
    private static final String GOLDEN = "golden.json";
    private static final Set<String> LISTS = Set.of("encode", "decode", "chat");
    private static final Set<String> ENCODE =
            Set.of(
                    "name", "text", "ids", "ids_without_special", "decoded_skip_special",
                    "decoded_keep_special", "round_trip_equal");
    private static final Set<String> DECODE =
            Set.of("name", "ids", "decoded_skip_special", "decoded_keep_special");

    @Override
    public void judge(OracleCase at, Findings findings, Actual actual) {
        try (Tokenizer tokenizer = Tokenizer.load(at.folder())) {
            if (at.mustBeRefused() && !at.has(GOLDEN)) {
                return; // accepted, and there is nothing to compute
            }
            JsonNode golden = at.json(GOLDEN);
            KnownKeys.golden(golden, LISTS, findings);
            requireCounts(at.manifest().path("counts"), golden);
            List<ObjectNode> texts = required(at, golden, "encode");
            List<ObjectNode> idLists = required(at, golden, "decode");
            List<ObjectNode> chats = Entries.objectsOrNone(golden, "chat");
            if (texts.isEmpty() && idLists.isEmpty() && chats.isEmpty()) {
                throw new BadCaseException("golden.json holds nothing to compare");
            }
            Run run = new Run(tokenizer, findings, actual);
            texts.forEach(run::encode);
            idLists.forEach(run::decode);
            if (!chats.isEmpty()) {
                ChatJudge judge = new ChatJudge(
                        ChatTemplates.load(at.folder(), tokenizer, ZonedDateTime::now), findings,
                        actual);
                chats.forEach(judge::judge);
            }
            findings.remark(
                    "%d texts, %d id lists, %d chats"
                            .formatted(texts.size(), idLists.size(), chats.size()));
        }
    }

    /** Only a manifest that says so itself may leave a list empty. */
    private static List<ObjectNode> required(OracleCase at, JsonNode golden, String list) {
        JsonNode count = at.manifest().path("counts").path(list);
        return count.isInt() && count.intValue() == 0 ? Entries.objectsOrNone(golden, list)
                : Entries.objects(golden, list);
    }

    private static void requireCounts(JsonNode counts, JsonNode golden) {
        for (Map.Entry<String, JsonNode> count : counts.properties()) {
            String list = count.getKey();
            int entries = Entries.objectsOrNone(golden, list).size();
            if (entries != Entries.whole(counts, list)) {
                throw new BadCaseException(
                        "golden.json holds %d entries in %s, counts says %s"
                                .formatted(entries, list, count.getValue()));
            }
        }
    }

    private record Run(Tokenizer tokenizer, Findings findings, Actual actual) {
        void encode(JsonNode entry) {
            KnownKeys.entry("encode", entry, ENCODE, findings);
            String text = Entries.text(entry, "text");
            ObjectNode kept = keep("encode", entry, List.of("name", "text"));
            int[] plain = tokenizer.encodeTemplate(text, false);
            sameIds(entry, kept, "ids", tokenizer.encodeTemplate(text, true));
            sameIds(entry, kept, "ids_without_special", plain);
            decoded(entry, kept, plain); // the goldens decode what the text itself became
            if (entry.has("round_trip_equal")) {
                boolean same = text.equals(kept.path("decoded_keep_special").asText());
                kept.put("round_trip_equal", same);
                JsonNode expected = entry.path("round_trip_equal");
                if (!expected.isBoolean() || expected.booleanValue() != same) {
                    findings.problem(
                            "round_trip_equal of %s is %b, expected %s"
                                    .formatted(of(entry), same, Entries.shown(expected)));
                }
            }
        }

        void decode(JsonNode entry) {
            KnownKeys.entry("decode", entry, DECODE, findings);
            int[] ids = Entries.tokens(entry, "ids", Integer.MAX_VALUE);
            decoded(entry, keep("decode", entry, List.of("name", "ids")), ids);
        }

        private void decoded(JsonNode entry, ObjectNode kept, int[] ids) {
            String plain = tokenizer.decode(ids, true);
            same(entry, kept, "decoded_skip_special", plain);
            same(entry, kept, "decoded_keep_special", tokenizer.decode(ids, false));
            streamed(entry, ids, plain);
        }

        private void streamed(JsonNode entry, int[] ids, String whole) {
            StreamDecoder decoder = tokenizer.streamDecoder();
            StringBuilder joined = new StringBuilder();
            for (int i = 0; i <= ids.length; i++) {
                String piece = i < ids.length ? decoder.push(ids[i]) : decoder.finish();
                if (!piece.isEmpty()
                        && (Character.isHighSurrogate(piece.charAt(piece.length() - 1))
                                || Character.isLowSurrogate(piece.charAt(0)))) {
                    findings.problem(
                            "a streamed piece of %s ends inside a character".formatted(of(entry)));
                }
                joined.append(piece);
            }
            if (!joined.toString().equals(whole)) {
                findings.problem(
                        "streamed pieces of %s join to %s, expected %s"
                                .formatted(
                                        of(entry), Text.shown(joined.toString()),
                                        Text.shown(whole)));
            }
        }

        private ObjectNode keep(String list, JsonNode entry, List<String> inputs) {
            ObjectNode kept = actual.json().withArray(list).addObject();
            Entries.copyInputs(entry, kept, inputs);
            return kept;
        }

        private void sameIds(JsonNode entry, ObjectNode kept, String key, int[] got) {
            int[] expected = OracleCase.ints(entry.path(key), key);
            Actual.add(kept.putArray(key), got);
            int at = Arrays.mismatch(expected, got);
            if (at >= 0) {
                findings.problem(
                        "%s of %s differ from token %d on: %s, expected %s"
                                .formatted(
                                        key, of(entry), at, Text.from(got, at),
                                        Text.from(expected, at)));
            }
        }

        private void same(JsonNode entry, ObjectNode kept, String key, String got) {
            kept.put(key, got);
            if (!got.equals(entry.path(key).textValue())) {
                findings.problem(
                        "%s of %s is %s, expected %s"
                                .formatted(
                                        key, of(entry), Text.shown(got),
                                        Text.shown(entry.path(key).asText())));
            }
        }

        private static String of(JsonNode entry) {
            return entry.has("name") ? entry.path("name").asText()
                    : Text.from(OracleCase.ints(entry.path("ids"), "ids"), 0);
        }
    }
}
