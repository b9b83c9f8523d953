package dev.flywheel.app.abuse;

import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/** A connection that speaks just enough HTTP/2 to misbehave. For one thread. */
final class RawHttp2 implements AutoCloseable {
    private static final int HEADERS = 1;
    private static final int RST_STREAM = 3;
    private static final int SETTINGS = 4;
    private static final int PING = 6;
    private static final int GOAWAY = 7;
    private static final int END_HEADERS = 4;
    private static final int CANCEL = 8;
    private static final int HEADER_BYTES = 9;
    private static final int WAIT_MILLIS = 5_000;

    private final Socket socket;
    private final OutputStream out;
    private final byte[] headers = headers();

    /** The node closed the connection. */
    static final class ClosedException extends IOException {
        private static final long serialVersionUID = 1L;

        ClosedException(IOException cause) {
            super("the node closed the connection", cause);
        }
    }

    /** Connects and says hello. */
    RawHttp2(int port) throws IOException {
        this.socket = new Socket(InetAddress.getLoopbackAddress(), port);
        this.out = socket.getOutputStream();
        socket.setSoTimeout(WAIT_MILLIS);
        out.write("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
        frame(SETTINGS, 0, 0, new byte[0]);
    }

    void openAndReset(int stream) throws ClosedException {
        frame(HEADERS, END_HEADERS, stream, headers);
        frame(RST_STREAM, 0, stream, new byte[] {0, 0, 0, CANCEL});
    }

    void ping() throws ClosedException {
        frame(PING, 0, 0, new byte[8]);
    }

    private void frame(int type, int flags, int stream, byte[] payload) throws ClosedException {
        byte[] bytes = new byte[HEADER_BYTES + payload.length];
        bytes[0] = (byte) (payload.length >> 16);
        bytes[1] = (byte) (payload.length >> 8);
        bytes[2] = (byte) payload.length;
        bytes[3] = (byte) type;
        bytes[4] = (byte) flags;
        for (int i = 0; i < 4; i++) {
            bytes[5 + i] = (byte) (stream >> 8 * (3 - i));
        }
        System.arraycopy(payload, 0, bytes, HEADER_BYTES, payload.length);
        try {
            out.write(bytes);
        } catch (IOException e) {
            throw new ClosedException(e);
        }
    }

    /** Reads on; returns whether the node sends this connection away, or has closed it. */
    boolean goneAway() throws IOException {
        DataInputStream in = new DataInputStream(socket.getInputStream());
        try {
            while (true) {
                byte[] head = in.readNBytes(HEADER_BYTES);
                if (head.length < HEADER_BYTES || head[3] == GOAWAY) {
                    return true;
                }
                in.skipNBytes((head[0] & 0xff) << 16 | (head[1] & 0xff) << 8 | head[2] & 0xff);
            }
        } catch (SocketTimeoutException quiet) {
            return false;
        } catch (EOFException | java.net.SocketException closed) {
            return true;
        }
    }

    /** A request for Generate, each header a literal without indexing. */
    private static byte[] headers() {
        List<String> pairs = new ArrayList<>(List.of(":method", "POST", ":scheme", "http",
                ":path", "/flywheel.v1.Inference/Generate", ":authority", "localhost", "te",
                "trailers", "content-type", "application/grpc"));
        ByteArrayOutputStream block = new ByteArrayOutputStream();
        for (int i = 0; i < pairs.size(); i += 2) {
            block.write(0);
            literal(block, pairs.get(i));
            literal(block, pairs.get(i + 1));
        }
        return block.toByteArray();
    }

    private static void literal(ByteArrayOutputStream block, String text) {
        block.write(text.length());
        block.writeBytes(text.getBytes(StandardCharsets.US_ASCII));
    }

    @Override
    public void close() throws IOException {
        socket.close();
    }
}
