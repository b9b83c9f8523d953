package dev.flywheel.app.oracle;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.flywheel.engine.chat.ChatTemplates;
import dev.flywheel.engine.tokenizer.StreamDecoder;
import dev.flywheel.engine.tokenizer.Tokenizer;
import java.time.ZonedDateTime;
import java.util.Arrays;

/** Cases of kind {@code tokenizer}: ids, decoding, streams of pieces, chats; all exact. */
final class TokenizerJudge implements Judge {
    @Override
    public void judge(OracleCase at, Findings findings, Actual actual) {
        JsonNode golden = at.json("golden.json");
        try (Tokenizer tokenizer = Tokenizer.load(at.folder())) {
            Run run = new Run(tokenizer, findings, actual);
            OracleCase.list(golden, "encode").forEach(run::encode);
            OracleCase.list(golden, "decode").forEach(run::decode);
            if (!golden.path("chat").isEmpty()) {
                ChatJudge chats = new ChatJudge(
                        ChatTemplates.load(at.folder(), tokenizer, ZonedDateTime::now), findings,
                        actual);
                golden.path("chat").forEach(chats::judge);
            }
            findings.remark(
                    "%d texts, %d id lists, %d chats"
                            .formatted(
                                    golden.path("encode").size(), golden.path("decode").size(),
                                    golden.path("chat").size()));
        }
    }

    private record Run(Tokenizer tokenizer, Findings findings, Actual actual) {
        void encode(JsonNode entry) {
            String text = entry.path("text").asText();
            ObjectNode kept = keep("encode", entry);
            int[] plain = tokenizer.encodeTemplate(text, false);
            sameIds(entry, kept, "ids", tokenizer.encodeTemplate(text, true));
            sameIds(entry, kept, "ids_without_special", plain);
            decoded(entry, kept, plain); // the goldens decode what the text itself became
            if (entry.has("round_trip_equal")) {
                kept.put(
                        "round_trip_equal",
                        text.equals(kept.path("decoded_keep_special").asText()));
            }
        }

        void decode(JsonNode entry) {
            decoded(entry, keep("decode", entry), OracleCase.ints(entry.path("ids"), "ids"));
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

        private ObjectNode keep(String list, JsonNode entry) {
            ObjectNode kept = actual.json().withArray(list).addObject();
            kept.setAll((ObjectNode) entry.deepCopy());
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
