package dev.flywheel.engine.model;

import com.fasterxml.jackson.databind.JsonNode;
import dev.flywheel.adapters.AdapterException;
import dev.flywheel.adapters.file.FileProblem;
import dev.flywheel.adapters.safetensors.SafetensorsHeader;
import dev.flywheel.adapters.safetensors.TensorEntry;
import dev.flywheel.engine.backend.DType;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.regex.Pattern;

/**
 * The weight files of a model folder, mapped into memory and believed only as far as checked.
 *
 * <p>Either {@code model.safetensors} or the shards that {@code model.safetensors.index.json} names;
 * pickles are never read. A shard's name must be a plain file name, and each shard must hold exactly
 * the tensors that the index sends there.
 */
final class WeightFiles {
    private static final String SINGLE = "model.safetensors";
    private static final String INDEX = "model.safetensors.index.json";
    private static final long INDEX_BYTES_MAX = 100_000_000;
    private static final Pattern PLAIN_NAME = Pattern.compile(
            "[A-Za-z0-9_][A-Za-z0-9._-]{0,200}\\.safetensors");

    /** A tensor as it lies in a file. */
    record Mapped(TensorEntry entry, MemorySegment bytes) {}

    private final List<Path> files;
    private final SortedMap<String, Mapped> tensors;

    private WeightFiles(List<Path> files, SortedMap<String, Mapped> tensors) {
        this.files = files;
        this.tensors = tensors;
    }

    /** Maps the weights for as long as the arena lives. */
    static WeightFiles open(Path folder, Arena arena) {
        Path single = folder.resolve(SINGLE);
        if (Files.isRegularFile(single)) {
            return new WeightFiles(List.of(single), map(single, arena));
        }
        Path index = folder.resolve(INDEX);
        if (Files.isRegularFile(index)) {
            return openShards(folder, index, arena);
        }
        throw new ModelException(
                ModelException.Code.UNREADABLE,
                "the model folder has neither " + SINGLE + " nor " + INDEX
                        + "; pickled weights (pytorch_model.bin) are not read, convert them");
    }

    /** Returns the files in the order of their names. */
    List<Path> files() {
        return files;
    }

    SortedMap<String, Mapped> tensors() {
        return tensors;
    }

    private static WeightFiles openShards(Path folder, Path index, Arena arena) {
        SortedMap<String, SortedMap<String, String>> shards = readIndex(index);
        List<Path> files = new ArrayList<>(List.of(index));
        SortedMap<String, Mapped> all = new TreeMap<>();
        shards.forEach((file, expected) -> {
            Path path = folder.resolve(file);
            if (!Files.isRegularFile(path)) {
                throw new ModelException(
                        ModelException.Code.UNREADABLE,
                        INDEX + " names " + file + ", which is not in the folder");
            }
            SortedMap<String, Mapped> mapped = map(path, arena);
            requireSame(file, expected, mapped);
            all.putAll(mapped);
            files.add(path);
        });
        return new WeightFiles(files, all);
    }

    /** Returns the tensor names by shard. */
    private static SortedMap<String, SortedMap<String, String>> readIndex(Path index) {
        JsonNode map = ConfigFields.parseObject(INDEX, bytes(index)).path("weight_map");
        SortedMap<String, SortedMap<String, String>> shards = new TreeMap<>();
        for (Map.Entry<String, JsonNode> entry : map.properties()) {
            String file = entry.getValue().asText();
            if (!entry.getValue().isTextual() || !PLAIN_NAME.matcher(file).matches()) {
                throw new ModelException(
                        ModelException.Code.MALFORMED,
                        INDEX + " sends " + brief(entry.getKey()) + " to "
                                + brief(entry.getValue().toString())
                                + ", expected a plain file name ending in .safetensors");
            }
            shards.computeIfAbsent(file, f -> new TreeMap<>()).put(entry.getKey(), file);
        }
        if (shards.isEmpty()) {
            throw new ModelException(
                    ModelException.Code.MALFORMED, INDEX + " has no weight_map with entries");
        }
        return shards;
    }

    private static void requireSame(
            String file, SortedMap<String, String> expected,
            SortedMap<String, Mapped> mapped) {
        for (String name : expected.keySet()) {
            if (!mapped.containsKey(name)) {
                throw new ModelException(
                        ModelException.Code.MISMATCH,
                        file + " lacks " + brief(name) + ", which " + INDEX + " sends there");
            }
        }
        for (String name : mapped.keySet()) {
            if (!expected.containsKey(name)) {
                throw new ModelException(
                        ModelException.Code.MISMATCH,
                        file + " holds " + brief(name) + ", which " + INDEX
                                + " does not send there");
            }
        }
    }

    private static SortedMap<String, Mapped> map(Path file, Arena arena) {
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
            SafetensorsHeader header = SafetensorsHeader.read(
                    channel, SafetensorsHeader.BASE_HEADER_BYTES_MAX);
            MemorySegment whole = channel.map(
                    FileChannel.MapMode.READ_ONLY, 0, channel.size(), arena);
            SortedMap<String, Mapped> mapped = new TreeMap<>();
            header.tensors()
                    .forEach((name, entry) -> mapped.put(
                            name,
                            new Mapped(entry, aligned(whole.asSlice(entry.begin(), entry.bytes()),
                                    entry.type().bytes(), arena))));
            return mapped;
        } catch (AdapterException e) {
            throw new ModelException(
                    ModelException.Code.MALFORMED, file.getFileName() + ": " + e.getMessage(), e);
        } catch (IOException e) {
            throw new ModelException(
                    ModelException.Code.UNREADABLE,
                    file.getFileName() + " cannot be mapped (" + FileProblem.words(e) + ")",
                    e);
        }
    }

    /** Kernels read whole elements; a header of odd length, legal if rare, puts them off their grid. */
    private static MemorySegment aligned(MemorySegment bytes, int elementBytes, Arena arena) {
        if (bytes.address() % elementBytes == 0) {
            return bytes;
        }
        return arena.allocate(bytes.byteSize(), Long.BYTES).copyFrom(bytes);
    }

    /** Returns how a tensor's elements are stored, if weights may be stored so. */
    static DType dtype(TensorEntry entry) {
        return switch (entry.type()) {
            case F32 -> DType.F32;
            case BF16 -> DType.BF16;
            case F16 -> DType.F16;
            default -> throw new ModelException(
                    ModelException.Code.UNSUPPORTED,
                    entry.name() + " has dtype " + entry.type()
                            + ", supported are F32, BF16 and F16");
        };
    }

    static byte[] bytes(Path file) {
        try {
            if (Files.size(file) > INDEX_BYTES_MAX) {
                throw new ModelException(
                        ModelException.Code.MALFORMED,
                        file.getFileName() + " has " + Files.size(file) + " bytes, allowed are "
                                + INDEX_BYTES_MAX);
            }
            return Files.readAllBytes(file);
        } catch (IOException e) {
            throw new ModelException(
                    ModelException.Code.UNREADABLE,
                    file.getFileName() + " cannot be read from the model folder ("
                            + FileProblem.words(e) + ")",
                    e);
        }
    }

    private static String brief(String text) {
        int shownMax = 120;
        return text.length() <= shownMax ? text : text.substring(0, shownMax) + "...";
    }
}
