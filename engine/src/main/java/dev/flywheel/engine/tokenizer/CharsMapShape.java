package dev.flywheel.engine.tokenizer;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.CharBuffer;
import java.nio.IntBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.Base64;
import java.util.BitSet;
import java.util.Deque;

/**
 * Checks a {@code precompiled_charsmap}: SentencePiece's table of what characters become.
 *
 * <p>It is base64 of the size of a double-array trie in bytes (32 bits, as all numbers here
 * little-endian), its units, and texts that end in a zero byte. The native library walks it without
 * looking where it steps: every unit that some text may lead to must lie in the trie, and every leaf
 * must name the beginning of a character of the texts.
 */
final class CharsMapShape {
    private static final int UNIT_BYTES = 4;
    private static final int LABEL_MASK = 0x800000FF;
    private static final int LEAF = 1 << 8;
    private static final int WIDE = 1 << 9;
    private static final int VALUE_MASK = 0x7FFFFFFF;
    private static final int BYTE_MAX = 0xFF;

    private final IntBuffer units;
    private final byte[] texts;

    private CharsMapShape(IntBuffer units, byte[] texts) {
        this.units = units;
        this.texts = texts;
    }

    /** Returns what is wrong, or an empty text. */
    static String problem(JsonNode charsMap) {
        if (!charsMap.isTextual()) {
            return "no text";
        }
        byte[] bytes;
        try {
            bytes = Base64.getDecoder().decode(charsMap.textValue());
        } catch (IllegalArgumentException e) {
            return "no base64";
        }
        ByteBuffer buffer = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
        if (bytes.length < UNIT_BYTES) {
            return "too short for a size";
        }
        long size = Integer.toUnsignedLong(buffer.getInt());
        if (size > buffer.remaining() || size % UNIT_BYTES != 0 || size == 0) {
            return "of a trie of %d bytes in %d".formatted(size, buffer.remaining());
        }
        IntBuffer units = buffer.slice(UNIT_BYTES, (int) size)
                .order(ByteOrder.LITTLE_ENDIAN)
                .asIntBuffer();
        byte[] texts = new byte[bytes.length - UNIT_BYTES - (int) size];
        buffer.get(UNIT_BYTES + (int) size, texts);
        return isUtf8(texts) ? new CharsMapShape(units, texts).walk()
                : "with texts that are no UTF-8";
    }

    private static boolean isUtf8(byte[] texts) {
        try {
            CharBuffer ignored = StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(texts));
            return ignored.limit() >= 0;
        } catch (CharacterCodingException e) {
            return false;
        }
    }

    /** Goes wherever a text could lead, once. */
    private String walk() {
        BitSet seen = new BitSet(units.limit());
        Deque<Integer> open = new ArrayDeque<>();
        open.push(offset(units.get(0)));
        while (!open.isEmpty()) {
            int base = open.pop();
            if (base < 0 || (base | BYTE_MAX) >= units.limit()) {
                return "with a trie that leads out of itself";
            }
            if (seen.get(base)) {
                continue;
            }
            seen.set(base);
            for (int label = 1; label <= BYTE_MAX; label++) {
                int at = base ^ label;
                int unit = units.get(at);
                if ((unit & LABEL_MASK) != label) {
                    continue;
                }
                int next = at ^ offset(unit);
                if ((unit & LEAF) != 0 && !isLeaf(next)) {
                    return "with a leaf that names no text";
                }
                open.push(next);
            }
        }
        return "";
    }

    private static int offset(int unit) {
        return unit >>> 10 << ((unit & WIDE) >>> 6);
    }

    private boolean isLeaf(int at) {
        if (at < 0 || at >= units.limit()) {
            return false;
        }
        int text = units.get(at) & VALUE_MASK;
        // A byte of the form 10xxxxxx goes on with a character.
        return text < texts.length && (texts[text] & 0xC0) != 0x80;
    }
}
