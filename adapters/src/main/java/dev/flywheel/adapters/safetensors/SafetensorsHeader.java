package dev.flywheel.adapters.safetensors;

import dev.flywheel.adapters.AdapterException;
import dev.flywheel.adapters.AdapterException.Code;
import dev.flywheel.adapters.file.FileProblem;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * The header of a safetensors file, believed only after every rule of the format held.
 *
 * <p>Rules: the length field fits the file and the limit; the header is one JSON object in UTF-8 that
 * begins with '{', without duplicate keys; each entry has dtype, shape and data_offsets and nothing
 * else; shape times element size is the byte range, without overflow; the ranges cover the data
 * section exactly, with no hole, overlap or rest.
 *
 * @param tensors by name
 * @param metadata the {@code __metadata__} entry; empty if there is none
 * @param dataStart first byte of the data section in the file
 */
public record SafetensorsHeader(
        SortedMap<String, TensorEntry> tensors,
        SortedMap<String, String> metadata,
        long dataStart) {
    /** The format's own limit, for base models. */
    public static final int BASE_HEADER_BYTES_MAX = 100_000_000;

    /** Our limit for adapters. */
    public static final int ADAPTER_HEADER_BYTES_MAX = 1 << 20;

    static final int LENGTH_BYTES = Long.BYTES;

    public SafetensorsHeader {
        tensors = Collections.unmodifiableSortedMap(new TreeMap<>(tensors));
        metadata = Collections.unmodifiableSortedMap(new TreeMap<>(metadata));
    }

    /** Reads and checks the header of a file without reading its data. */
    public static SafetensorsHeader read(Path file, int headerBytesMax) {
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
            return read(channel, headerBytesMax);
        } catch (IOException e) {
            throw new AdapterException(
                    Code.UNREADABLE,
                    file.getFileName() + " cannot be read (" + FileProblem.words(e) + ")", e);
        }
    }

    /** Reads and checks the header of an open file; the channel's position is not used. */
    public static SafetensorsHeader read(FileChannel channel, int headerBytesMax)
            throws IOException {
        long fileBytes = channel.size();
        ByteBuffer length = ByteBuffer.allocate(LENGTH_BYTES).order(ByteOrder.LITTLE_ENDIAN);
        readFully(channel, length, 0, fileBytes);
        int headerBytes = checkedLength(length.getLong(0), fileBytes, headerBytesMax);
        ByteBuffer json = ByteBuffer.allocate(headerBytes);
        readFully(channel, json, LENGTH_BYTES, fileBytes);
        return parseJson(json.flip(), fileBytes);
    }

    /**
     * Checks the header of a whole file that is in memory or mapped.
     *
     * @param file from position to limit the whole file; not moved
     */
    public static SafetensorsHeader parse(ByteBuffer file, int headerBytesMax) {
        ByteBuffer view = file.slice().order(ByteOrder.LITTLE_ENDIAN);
        if (view.remaining() < LENGTH_BYTES) {
            throw tooShort(view.remaining());
        }
        int headerBytes = checkedLength(view.getLong(0), view.remaining(), headerBytesMax);
        return parseJson(view.slice(LENGTH_BYTES, headerBytes), view.remaining());
    }

    /** Checks the header of a whole file in an array. */
    public static SafetensorsHeader parse(byte[] file, int headerBytesMax) {
        return parse(ByteBuffer.wrap(file), headerBytesMax);
    }

    private static SafetensorsHeader parseJson(ByteBuffer json, long fileBytes) {
        long dataStart = LENGTH_BYTES + (long) json.remaining();
        HeaderJson parsed = HeaderJson.parse(json, dataStart);
        requireFullCover(parsed.tensors().values(), dataStart, fileBytes);
        return new SafetensorsHeader(parsed.tensors(), parsed.metadata(), dataStart);
    }

    private static void requireFullCover(
            Iterable<TensorEntry> entries, long dataStart, long fileBytes) {
        List<TensorEntry> byPlace = new ArrayList<>();
        entries.forEach(byPlace::add);
        byPlace.sort(
                Comparator.comparingLong(TensorEntry::begin).thenComparingLong(TensorEntry::end));
        long covered = dataStart;
        for (TensorEntry entry : byPlace) {
            if (entry.begin() != covered) {
                throw malformed(
                        "tensor "
                                + Shown.of(entry.name())
                                + " begins at byte "
                                + (entry.begin() - dataStart)
                                + " of the data, expected "
                                + (covered - dataStart)
                                + ": tensors may neither overlap nor leave holes");
            }
            covered = entry.end();
        }
        if (covered != fileBytes) {
            throw malformed(
                    "the tensors end at byte "
                            + covered
                            + " of the file, the file at byte "
                            + fileBytes
                            + ": it is cut off or has bytes that belong to no tensor");
        }
    }

    private static int checkedLength(long headerBytes, long fileBytes, int headerBytesMax) {
        if (headerBytes < 0 || headerBytes > headerBytesMax) {
            throw new AdapterException(
                    Code.TOO_LARGE,
                    "header length is "
                            + Long.toUnsignedString(headerBytes)
                            + " bytes, allowed are at most "
                            + headerBytesMax);
        }
        if (headerBytes > fileBytes - LENGTH_BYTES) {
            throw malformed(
                    "header length is " + headerBytes + " bytes, the file has only " + fileBytes);
        }
        return (int) headerBytes;
    }

    private static void readFully(FileChannel channel, ByteBuffer into, long from, long fileBytes)
            throws IOException {
        while (into.hasRemaining()) {
            if (channel.read(into, from + into.position()) < 0) {
                throw tooShort(fileBytes);
            }
        }
    }

    private static AdapterException tooShort(long fileBytes) {
        return malformed("file has " + fileBytes + " bytes, too few for a safetensors header");
    }

    private static AdapterException malformed(String message) {
        return new AdapterException(Code.MALFORMED, message);
    }
}
