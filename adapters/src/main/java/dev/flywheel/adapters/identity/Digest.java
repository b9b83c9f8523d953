package dev.flywheel.adapters.identity;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.regex.Pattern;

/** A SHA-256, written as 64 lower-case hexadecimal digits. */
public record Digest(String hex) implements Comparable<Digest> {
    private static final Pattern LEGAL = Pattern.compile("[0-9a-f]{64}");
    private static final int SHORT_LENGTH = 8;
    private static final int CHUNK_BYTES = 1 << 16;

    public Digest {
        if (!LEGAL.matcher(hex).matches()) {
            throw new IllegalArgumentException(
                    "digest has "
                            + hex.length()
                            + " characters or others than 0-9a-f; expected 64 lower-case hexadecimal digits");
        }
    }

    /** Hashes the bytes. */
    public static Digest of(byte[] bytes) {
        return stream().update(bytes).finish();
    }

    /** Hashes the text's UTF-8 bytes. */
    public static Digest of(String text) {
        return of(text.getBytes(StandardCharsets.UTF_8));
    }

    /** Hashes a file of any size. */
    public static Digest ofFile(Path file) throws IOException {
        return stream().update(file).finish();
    }

    /** Begins a digest of bytes that come in pieces. */
    public static Stream stream() {
        return new Stream();
    }

    /** Parses 32 raw bytes. */
    public static Digest ofRaw(byte[] raw) {
        return new Digest(HexFormat.of().formatHex(raw));
    }

    /** Returns the 32 raw bytes. */
    public byte[] raw() {
        return HexFormat.of().parseHex(hex);
    }

    /** Returns the first eight digits, for people. */
    public String brief() {
        return hex.substring(0, SHORT_LENGTH);
    }

    @Override
    public int compareTo(Digest other) {
        return hex.compareTo(other.hex);
    }

    @Override
    public String toString() {
        return hex;
    }

    /** A digest under way. Not thread-safe; {@link #finish} ends it. */
    public static final class Stream {
        private final MessageDigest sha256;

        private Stream() {
            try {
                sha256 = MessageDigest.getInstance("SHA-256");
            } catch (NoSuchAlgorithmException e) {
                throw new IllegalStateException("every Java platform has SHA-256", e);
            }
        }

        public Stream update(byte[] bytes) {
            sha256.update(bytes);
            return this;
        }

        public Stream update(byte[] bytes, int offset, int length) {
            sha256.update(bytes, offset, length);
            return this;
        }

        /** Takes the buffer's remaining bytes and moves its position to its limit. */
        public Stream update(ByteBuffer bytes) {
            sha256.update(bytes);
            return this;
        }

        /** Takes a whole file. */
        public Stream update(Path file) throws IOException {
            byte[] chunk = new byte[CHUNK_BYTES];
            try (InputStream in = Files.newInputStream(file)) {
                for (int read = in.read(chunk); read >= 0; read = in.read(chunk)) {
                    sha256.update(chunk, 0, read);
                }
            }
            return this;
        }

        /**
         * Takes a field of a record: its length first, so that no two different records of fields
         * ever hash the same bytes.
         */
        public Stream field(byte[] bytes) {
            sha256.update(ByteBuffer.allocate(Integer.BYTES).putInt(bytes.length).flip());
            return update(bytes);
        }

        /** Takes a text field, length first. */
        public Stream field(String text) {
            return field(text.getBytes(StandardCharsets.UTF_8));
        }

        public Digest finish() {
            return ofRaw(sha256.digest());
        }
    }
}
