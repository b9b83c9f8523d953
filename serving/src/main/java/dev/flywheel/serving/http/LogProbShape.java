package dev.flywheel.serving.http;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.flywheel.api.v1.TokenLogProb;
import dev.flywheel.engine.tokenizer.StreamDecoder;
import dev.flywheel.engine.tokenizer.Tokenizer;
import java.nio.charset.StandardCharsets;
import java.util.List;

/** Log-probabilities of one answer's tokens as OpenAI writes them, with tokens as texts. Not thread-safe. */
final class LogProbShape {
    private static final char REPLACEMENT = '\uFFFD';

    private final Tokenizer tokenizer;
    private final StreamDecoder decoder;
    private int offset;

    LogProbShape(Tokenizer tokenizer) {
        this.tokenizer = tokenizer;
        this.decoder = tokenizer.streamDecoder();
    }

    void chat(ObjectNode out, TokenLogProb token) {
        describe(out, token);
        ArrayNode top = out.putArray("top_logprobs");
        token.getTopList().forEach(other -> describe(top.addObject(), other));
    }

    private void describe(ObjectNode out, TokenLogProb token) {
        String text = text(token);
        out.put("token", text).put("logprob", token.getLogProb());
        if (text.indexOf(REPLACEMENT) >= 0) {
            // A part of a character: its bytes cannot be told from the text.
            out.putNull("bytes");
            return;
        }
        ArrayNode bytes = out.putArray("bytes");
        for (byte each : text.getBytes(StandardCharsets.UTF_8)) {
            bytes.add(each & 0xFF);
        }
    }

    void completion(ObjectNode out, List<TokenLogProb> tokens) {
        ArrayNode texts = out.putArray("tokens");
        ArrayNode values = out.putArray("token_logprobs");
        ArrayNode tops = out.putArray("top_logprobs");
        ArrayNode offsets = out.putArray("text_offset");
        for (TokenLogProb token : tokens) {
            texts.add(text(token));
            values.add(token.getLogProb());
            ObjectNode top = tops.addObject();
            token.getTopList().forEach(other -> top.put(text(other), other.getLogProb()));
            offsets.add(offset);
            offset += decoder.push(token.getTokenId()).length();
        }
    }

    private String text(TokenLogProb token) {
        return tokenizer.decode(new int[] {token.getTokenId()}, false);
    }
}
