package dev.flywheel.app.page;

/** A request that gets no figures, with the HTTP status and words for a person. */
final class PageException extends RuntimeException {
    private static final long serialVersionUID = 1;

    private final int status;

    PageException(int status, String message) {
        super(message);
        this.status = status;
    }

    int status() {
        return status;
    }
}
