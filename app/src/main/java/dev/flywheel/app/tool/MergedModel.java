package dev.flywheel.app.tool;

import dev.flywheel.adapters.file.FileProblem;
import dev.flywheel.adapters.lora.LoraPair;
import dev.flywheel.adapters.lora.LoraWeights;
import dev.flywheel.adapters.safetensors.SafetensorsHeader;
import dev.flywheel.adapters.safetensors.TensorEntry;
import dev.flywheel.adapters.safetensors.TensorType;
import dev.flywheel.engine.backend.Backend;
import dev.flywheel.engine.device.Backends;
import dev.flywheel.engine.model.BaseModel;
import dev.flywheel.engine.model.LoadProgress;
import dev.flywheel.engine.model.WeightFormat;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/**
 * A base model with an adapter worked into its weights.
 *
 * <p>The files are those of the base, in the same layout and types; only the changed modules' bytes
 * differ. Sums are made in double and rounded once to the stored type, so a merged bf16 model answers
 * a little differently from base and adapter apart.
 *
 * @param merged modules whose weights changed
 */
public record MergedModel(List<String> merged, List<String> files) {
    /**
     * Writes the merged model into a new folder.
     *
     * @param learnedOver how the base was held when the adapter learned
     */
    public static MergedModel write(
            Path base, Path adapter, WeightFormat learnedOver, Path out,
            LoadProgress progress) {
        LoraWeights weights = weights(base, adapter, learnedOver, progress);
        try (NewFolder folder = NewFolder.begin(out)) {
            MergedModel merged = fill(folder.path(), base, weights);
            folder.publish();
            return merged;
        } catch (IOException e) {
            throw new ToolException(
                    "merging into %s failed (%s); nothing is left there".formatted(out,
                            FileProblem.words(e)),
                    e);
        }
    }

    private static MergedModel fill(Path folder, Path base, LoraWeights weights)
            throws IOException {
        List<String> merged = new ArrayList<>();
        List<String> files = new ArrayList<>();
        for (Path file : plainFiles(base)) {
            String name = file.getFileName().toString();
            copy(file, folder.resolve(name));
            files.add(name);
            if (name.endsWith(".safetensors")) {
                merged.addAll(patch(folder.resolve(name), weights));
            }
        }
        if (merged.size() != weights.pairs().size()) {
            throw new ToolException(
                    "the adapter changes %d modules, weights of %d were found in %s"
                            .formatted(weights.pairs().size(), merged.size(), base));
        }
        return new MergedModel(merged.stream().sorted().toList(), files);
    }

    /** A copy has the rights of what it was copied from; the merged model is its user's to change. */
    private static void copy(Path file, Path copy) throws IOException {
        Files.copy(file, copy);
        if (!copy.toFile().setWritable(true)) {
            throw new AccessDeniedException(copy.toString());
        }
    }

    /** The base is loaded whole: what is merged into a base that is none of the adapter's is lost. */
    private static LoraWeights weights(Path base, Path adapter, WeightFormat format,
            LoadProgress progress) {
        try (Backend backend = Backends.open("cpu", 1);
                BaseModel model = BaseModel.load(base, backend, format, progress)) {
            return AdapterCheck.read(adapter, model);
        }
    }

    /** What makes up a model folder: configuration, tokenizer and weights, and no folders or links. */
    private static List<Path> plainFiles(Path base) throws IOException {
        List<String> weightNames =
                ModelFacts.weightFiles(base)
                        .stream()
                        .map(file -> file.getFileName().toString())
                        .toList();
        try (Stream<Path> files = Files.list(base)) {
            return files.filter(Files::isRegularFile)
                    .filter(file -> {
                        String name = file.getFileName().toString();
                        boolean weights =
                                name.endsWith(".safetensors") && weightNames.contains(name);
                        return weights || name.endsWith(".json") || name.endsWith(".jinja")
                                || name.endsWith(".txt") || name.endsWith(".model");
                    })
                    .sorted()
                    .toList();
        }
    }

    private static List<String> patch(Path file, LoraWeights weights) throws IOException {
        SafetensorsHeader header =
                SafetensorsHeader.read(file, SafetensorsHeader.BASE_HEADER_BYTES_MAX);
        List<String> merged = new ArrayList<>();
        try (FileChannel channel =
                FileChannel.open(file, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
            for (LoraPair pair : weights.pairs().values()) {
                TensorEntry tensor = header.tensors().get(pair.module() + ".weight");
                if (tensor != null) {
                    requireShape(tensor, pair);
                    add(channel, tensor, pair, weights.config().scaleOf(pair.module()));
                    merged.add(pair.module());
                }
            }
            channel.force(true);
        }
        return merged;
    }

    private static void requireShape(TensorEntry tensor, LoraPair pair) {
        if (!tensor.shape().equals(List.of((long) pair.outFeatures(), (long) pair.inFeatures()))
                || !tensor.type().isFloat()) {
            throw new ToolException("%s is %s %s, the adapter changes [%d, %d]".formatted(
                    tensor.name(), tensor.type(), tensor.shape(), pair.outFeatures(),
                    pair.inFeatures()));
        }
    }

    private static void add(FileChannel channel, TensorEntry tensor, LoraPair pair, double scale)
            throws IOException {
        double[] change = new double[pair.inFeatures()];
        int rowBytes = pair.inFeatures() * tensor.type().bytes();
        ByteBuffer row = ByteBuffer.allocate(rowBytes).order(ByteOrder.LITTLE_ENDIAN);
        for (int i = 0; i < pair.outFeatures(); i++) {
            long at = tensor.begin() + (long) i * rowBytes;
            row.clear();
            while (row.hasRemaining() && channel.read(row, at + row.position()) >= 0) {
                // until the row is whole
            }
            LoraChange.row(pair, scale, i, change);
            for (int c = 0; c < change.length; c++) {
                double sum = element(row, tensor.type(), c) + change[c];
                put(row, tensor.type(), c, sum);
                if (!Float.isFinite(element(row, tensor.type(), c))) {
                    throw beyond(tensor, i, c, sum);
                }
            }
            row.flip().limit(rowBytes);
            while (row.hasRemaining()) {
                channel.write(row, at + row.position());
            }
        }
    }

    private static ToolException beyond(TensorEntry tensor, int row, int column, double sum) {
        return new ToolException(
                ("%s, row %d, column %d: base and adapter make %s, which %s cannot hold; the adapter's scale is"
                        + " too large for this base, or a weight of the base is not finite")
                        .formatted(tensor.name(), row, column, sum, tensor.type()));
    }

    private static float element(ByteBuffer row, TensorType type, int index) {
        return switch (type) {
            case F32 -> row.getFloat(4 * index);
            case F16 -> Float.float16ToFloat(row.getShort(2 * index));
            case BF16 -> Float.intBitsToFloat(row.getShort(2 * index) << 16);
            default -> throw new IllegalStateException(type.name());
        };
    }

    private static void put(ByteBuffer row, TensorType type, int index, double value) {
        switch (type) {
            case F32 -> row.putFloat(4 * index, (float) value);
            case F16 -> row.putShort(2 * index, Float.floatToFloat16((float) value));
            case BF16 -> row.putShort(2 * index, bf16((float) value));
            default -> throw new IllegalStateException(type.name());
        }
    }

    /** Rounds to nearest, ties to even. */
    private static short bf16(float value) {
        int bits = Float.floatToRawIntBits(value);
        return (short) ((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16);
    }
}
