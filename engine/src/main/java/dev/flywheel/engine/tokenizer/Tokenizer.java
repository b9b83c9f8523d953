package dev.flywheel.engine.tokenizer;

import ai.djl.huggingface.tokenizers.HuggingFaceTokenizer;
import ai.djl.huggingface.tokenizers.jni.CharSpan;
import dev.flywheel.adapters.identity.Digest;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Collections;
import java.util.Map;
import java.util.OptionalInt;
import java.util.SortedSet;

/**
 * The tokenizer of one model folder.
 *
 * <p>Invariants: a text is never cut short or padded; control tokens (those that tokenizer.json calls
 * special) come only from the post-processor or from {@link #encodeTemplate}, never from the
 * characters of a text given to the other methods. That is done by a second native tokenizer in which
 * they have other names, so {@code <|im_end|>} in a user's text is spelled out byte by byte.
 *
 * <p>What tokenizer.json says is done, whatever class tokenizer_config.json names: transformers 5 builds
 * some classes anew by rules of their own, which differ where the file is not what that class writes.
 *
 * <p>Thread-safe. The caller closes it; using it afterwards fails.
 */
public final class Tokenizer implements AutoCloseable {
    /** What {@link #eosId} and {@link #bosId} return when the model names no such token. */
    public static final int NONE = -1;

    private final TokenizerFiles files;
    private final ControlNames names;
    private final HuggingFaceTokenizer plain;
    private final HuggingFaceTokenizer template;
    private final Continuations plainContinuations;
    private final Continuations templateContinuations;
    private final int vocabSize;
    private final String fingerprint;

    private Tokenizer(TokenizerFiles files, ControlNames names, HuggingFaceTokenizer plain,
            HuggingFaceTokenizer template, String fingerprint) {
        this.files = files;
        this.fingerprint = fingerprint;
        this.names = names;
        this.plain = plain;
        this.template = template;
        this.plainContinuations = new Continuations(text -> encode(plain, text, false));
        this.templateContinuations = new Continuations(text -> encode(template, text, false));
        this.vocabSize =
                1 + files.ids().values().stream().mapToInt(Integer::intValue).max().orElse(-1);
    }

    /** Loads tokenizer.json and, where they exist, the configuration files beside it. */
    public static Tokenizer load(Path folder) {
        stayOffline();
        TokenizerFiles.Read read = TokenizerFiles.read(folder);
        ControlNames names = ControlNames.random(read.files());
        HuggingFaceTokenizer plain = open(folder, read.json().renamed(names.byToken()));
        try {
            String text = read.json().text();
            HuggingFaceTokenizer template = open(folder, text);
            Tokenizer tokenizer =
                    new Tokenizer(read.files(), names, plain, template,
                            Digest.of(text).brief());
            tokenizer.requireIdsAsWritten(folder);
            return tokenizer;
        } catch (RuntimeException e) {
            plain.close();
            throw e;
        }
    }

    /** The library numbers added tokens itself; other ids than the files' would be other rows of the model. */
    private void requireIdsAsWritten(Path folder) {
        names.byToken().forEach((token, name) -> {
            int id = files.controlTokens().getOrDefault(token, -1);
            int[] template = encodeTemplate(token, false);
            int[] guarded = encode(plain, name, false);
            if (template.length != 1 || template[0] != id || !Arrays.equals(template, guarded)) {
                close();
                throw new TokenizerException(
                        "token '%s' has id %d in the tokenizer files of %s, but reads as %s"
                                .formatted(token, id, folder, Arrays.toString(template)));
            }
        });
    }

    /** The library would otherwise ask the network which build of itself to use. */
    private static void stayOffline() {
        setIfAbsent("ai.djl.offline", "true");
        setIfAbsent("OPT_OUT_TRACKING", "true");
        setIfAbsent("RUST_FLAVOR", "cpu");
    }

    private static void setIfAbsent(String property, String value) {
        if (System.getProperty(property) == null && System.getenv(property) == null) {
            System.setProperty(property, value);
        }
    }

    private static HuggingFaceTokenizer open(Path folder, String json) {
        byte[] utf8 = json.getBytes(StandardCharsets.UTF_8);
        try {
            return HuggingFaceTokenizer.newInstance(
                    new ByteArrayInputStream(utf8),
                    Map.of("truncation", "false", "padding", "false", "modelMaxLength", "-1"));
        } catch (IOException | RuntimeException e) {
            throw new TokenizerException(
                    "tokenizer.json in " + folder + " was refused: " + e.getMessage(), e);
        }
    }

    /**
     * Returns the ids of a text with what the model's post-processor puts around it (often a
     * beginning-of-text token). Control tokens spelled in the text stay text.
     */
    public int[] encode(String text) {
        return encode(plain, text, true);
    }

    /** Returns the ids of a text and nothing else. Control tokens spelled in it stay text. */
    public int[] encodeWithoutSpecial(String text) {
        return encode(plain, text, false);
    }

    /**
     * Returns the ids of a text from a trusted source, in which control tokens may be spelled out.
     *
     * @param withSpecial whether the post-processor adds its tokens
     */
    public int[] encodeTemplate(String text, boolean withSpecial) {
        return encode(template, text, withSpecial);
    }

    /**
     * Returns the ids of a text that follows another: without what the post-processor adds, and without
     * the blank that some tokenizers put before every text.
     *
     * @param trusted whether control tokens spelled in the text are those tokens
     */
    public int[] encodeContinuation(String text, boolean trusted) {
        return (trusted ? templateContinuations : plainContinuations).encode(text);
    }

    /** Returns a guard for one text that is put together from trusted and untrusted parts. */
    public ControlGuard guard() {
        return new ControlGuard(this, names);
    }

    /** Returns the ids of a text in which control tokens go by their other names. */
    int[] encodeRenamed(String text) {
        return encode(plain, text, false);
    }

    /**
     * Returns where in the text each id comes from: begin and end in characters (code points), both 0
     * for a token that the post-processor added.
     *
     * @param trusted whether control tokens spelled in the text are those tokens
     */
    public int[][] offsets(String text, boolean withSpecial, boolean trusted) {
        CharSpan[] spans =
                (trusted ? template : plain).encode(text, withSpecial, false).getCharTokenSpans();
        int[][] offsets = new int[spans.length][];
        for (int i = 0; i < spans.length; i++) {
            offsets[i] = spans[i] == null
                    ? new int[] {0, 0}
                    : new int[] {spans[i].getStart(), spans[i].getEnd()};
        }
        return offsets;
    }

    private static int[] encode(HuggingFaceTokenizer tokenizer, String text, boolean withSpecial) {
        long[] wide;
        try {
            wide = tokenizer.encode(text, withSpecial, false).getIds();
        } catch (RuntimeException e) { // all that the native library says comes as that
            throw new TokenizerException(
                    "tokenizer.json cannot encode a text: " + e.getMessage(), e);
        }
        int[] ids = new int[wide.length];
        for (int i = 0; i < ids.length; i++) {
            ids[i] = Math.toIntExact(wide[i]);
        }
        return ids;
    }

    /** Returns the text of the ids, control tokens left out; broken UTF-8 becomes U+FFFD. */
    public String decode(int[] ids) {
        return decode(ids, true);
    }

    /** Returns the text of the ids. */
    public String decode(int[] ids, boolean skipSpecial) {
        long[] wide = new long[ids.length];
        for (int i = 0; i < ids.length; i++) {
            wide[i] = ids[i];
        }
        try {
            return files.cleanup().text(template.decode(wide, skipSpecial));
        } catch (RuntimeException e) { // all that the native library says comes as that
            throw new TokenizerException("tokenizer.json cannot decode ids: " + e.getMessage(), e);
        }
    }

    /** Begins decoding a stream of ids. */
    public StreamDecoder streamDecoder() {
        return new StreamDecoder(this);
    }

    /** Returns what tells it from tokenizers that split texts otherwise: 8 hex digits over what was read. */
    public String fingerprint() {
        return fingerprint;
    }

    /** Returns one more than the largest id. */
    public int vocabSize() {
        return vocabSize;
    }

    /** Returns the end-of-text token, or {@link #NONE}. */
    public int eosId() {
        return files.eosId();
    }

    /** Returns every token that ends an answer; some chat models have several. */
    public SortedSet<Integer> eosIds() {
        return Collections.unmodifiableSortedSet(files.eosIds());
    }

    /** Returns the beginning-of-text token, or {@link #NONE}. */
    public int bosId() {
        return files.bosId();
    }

    /** Returns the id of a vocabulary entry, spelled as tokenizer.json spells it. */
    public OptionalInt tokenId(String entry) {
        Integer id = files.ids().get(entry);
        return id == null ? OptionalInt.empty() : OptionalInt.of(id);
    }

    /** Returns the tokens that have a role, such as {@code eos_token}, by it. */
    public Map<String, String> namedTokens() {
        return Collections.unmodifiableMap(files.named());
    }

    /** Returns whether an id is a control token. */
    public boolean isControl(int id) {
        return files.controlIds().contains(id);
    }

    /** Returns up to where decoded text stays as it is, whatever is decoded after it. */
    int certainLength(String text) {
        return files.cleanup().certainLength(text);
    }

    /** Returns whether an id stands for one byte and is decoded only together with its neighbours. */
    boolean isByteOfRun(int id) {
        return files.decodesByteRuns() && files.byteIds().contains(id);
    }

    @Override
    public void close() {
        plain.close();
        template.close();
    }
}
