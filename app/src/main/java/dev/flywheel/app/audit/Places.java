package dev.flywheel.app.audit;

import dev.flywheel.api.client.StoreClient;
import dev.flywheel.api.v1.AdapterRecord;
import dev.flywheel.api.v1.FeedbackKey;
import java.util.List;

/** Finds out which events stand in which manifests. */
interface Places {
    /** Tells the book. */
    void tell(EventBook book);

    /** Reads every manifest there is: exact whatever happened since, and finds events that stand in two. */
    record OfManifests(StoreClient store) implements Places {
        @Override
        public void tell(EventBook book) {
            book.forgetPlaces();
            for (AdapterRecord adapter : store.listAllAdapters()) {
                store.listManifests(adapter.getName(), 0, book::placed);
            }
        }
    }

    /** Asks for events without an end alone, by the store's claims: costs what is on its way, whatever there was before. */
    record OfClaims(StoreClient store) implements Places {
        @Override
        public void tell(EventBook book) {
            List<FeedbackKey> open = book.open();
            for (int from = 0; from < open.size(); from += StoreClient.LOCATED_MAX) {
                int to = Math.min(open.size(), from + StoreClient.LOCATED_MAX);
                store.locateFeedback(open.subList(from, to)).forEach(book::placed);
            }
        }
    }
}
