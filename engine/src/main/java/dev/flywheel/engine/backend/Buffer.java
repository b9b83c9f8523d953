package dev.flywheel.engine.backend;

/**
 * Memory on a backend's device: a run of elements of one type.
 *
 * <p>Contents are reached only through {@link Backend}: uploads, downloads and kernels. Whoever
 * allocated a buffer closes it, after the last call that uses it has been synchronized; a slice is a
 * view and is never closed.
 */
public interface Buffer extends AutoCloseable {
    DType dtype();

    long elements();

    /**
     * Returns a view of {@code elements} elements from {@code offset}.
     *
     * @throws IndexOutOfBoundsException if the view would leave this buffer
     */
    Buffer slice(long offset, long elements);

    @Override
    void close();
}
