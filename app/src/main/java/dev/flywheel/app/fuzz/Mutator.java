package dev.flywheel.app.fuzz;

import dev.flywheel.adapters.random.SeededRandom;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SortedMap;

/** Breaks a folder in one to four ways. */
final class Mutator {
    private static final int WAYS_MAX = 4;
    private static final int LENGTH_BYTES = Long.BYTES;
    private static final List<ByteMutation> BYTE_WAYS = List.of(ByteMutation.values());

    private Mutator() {}

    static Mutant mutate(SortedMap<String, byte[]> files, SeededRandom random) {
        Mutant mutant = Mutant.of(files);
        int ways = random.chance(0.6) ? 1 : 1 + random.nextInt(WAYS_MAX);
        for (int i = 0; i < ways && !mutant.files().isEmpty(); i++) {
            mutant = once(mutant, random);
        }
        return mutant;
    }

    private static Mutant once(Mutant mutant, SeededRandom random) {
        String name = random.pick(new ArrayList<>(mutant.files().keySet()));
        byte[] bytes = mutant.files().get(name);
        if (bytes == null || bytes.length == 0 || random.chance(0.03)) {
            return wholeFile(mutant, name, random);
        }
        boolean tensors = name.endsWith(".safetensors");
        if (random.chance(tensors ? 0.4 : 0.6)) {
            return mutant.with(
                    name, tensors ? inHeader(bytes, random) : inJson(bytes, random), "json");
        }
        ByteMutation way = random.pick(BYTE_WAYS);
        boolean header = tensors && bytes.length > LENGTH_BYTES && random.chance(0.6);
        return mutant.with(
                name, header ? nearTheStart(bytes, way, random) : way.apply(bytes, random),
                way.name());
    }

    private static Mutant wholeFile(Mutant mutant, String name, SeededRandom random) {
        List<String> names = new ArrayList<>(mutant.files().keySet());
        return switch (random.nextInt(5)) {
            case 0 -> mutant.without(name);
            case 1 -> mutant.withFolder(name);
            case 2 -> mutant.with(name, new byte[0], "emptied");
            case 3 -> mutant.with("extra.safetensors", new byte[] {1, 2, 3}, "added");
            default -> {
                String other = random.pick(names);
                byte[] bytes = mutant.files().get(other);
                yield bytes == null ? mutant : mutant.with(name, bytes, "copy of " + other);
            }
        };
    }

    private static byte[] inJson(byte[] bytes, SeededRandom random) {
        String text = new String(bytes, StandardCharsets.UTF_8);
        return JsonMutation.apply(text, random).getBytes(StandardCharsets.UTF_8);
    }

    /** Breaks the header's JSON and keeps the length before it right. */
    private static byte[] inHeader(byte[] bytes, SeededRandom random) {
        int length = headerLength(bytes);
        if (length <= 0) {
            return ByteMutation.FLIP.apply(bytes, random);
        }
        String header = new String(bytes, LENGTH_BYTES, length, StandardCharsets.UTF_8);
        byte[] broken = JsonMutation.apply(header, random).getBytes(StandardCharsets.UTF_8);
        int rest = bytes.length - LENGTH_BYTES - length;
        return ByteBuffer.allocate(LENGTH_BYTES + broken.length + rest)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putLong(broken.length)
                .put(broken)
                .put(bytes, LENGTH_BYTES + length, rest)
                .array();
    }

    /** Breaks the length and the header, where most of what can go wrong lies. */
    private static byte[] nearTheStart(byte[] bytes, ByteMutation way, SeededRandom random) {
        int end = LENGTH_BYTES + Math.max(0, headerLength(bytes));
        byte[] start = way.apply(Arrays.copyOf(bytes, end), random);
        byte[] out = Arrays.copyOf(start, start.length + bytes.length - end);
        System.arraycopy(bytes, end, out, start.length, bytes.length - end);
        return out;
    }

    /** Returns the header's length, or -1 if the file does not hold one. */
    private static int headerLength(byte[] bytes) {
        if (bytes.length < LENGTH_BYTES) {
            return -1;
        }
        long length = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).getLong(0);
        return length < 0 || length > bytes.length - LENGTH_BYTES ? -1 : (int) length;
    }
}
