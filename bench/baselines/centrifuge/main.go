// The engine of Centrifugo as a server of its own: everybody may subscribe to and publish into everything, nothing is kept.
//
//	centrifuge-server ADDRESS    such as 127.0.0.1:8000
//
// Settings follow the library's advice for many messages per connection: writes wait a few milliseconds, so that one system
// call takes many messages, and a frame may hold any number of them. Compression is off. What a client publishes goes out
// without the client's name, which would be more bytes for each subscriber.
package main

import (
	"context"
	"log"
	"net/http"
	"os"
	"time"

	"github.com/centrifugal/centrifuge"
)

const (
	writeDelay = 10 * time.Millisecond
	// What may wait for a client before it is cut off; the default of 1 MiB would cut off readers that are a second late.
	queueMaxBytes = 64 << 20
)

func main() {
	node, err := centrifuge.New(centrifuge.Config{ClientQueueMaxSize: queueMaxBytes, ClientChannelLimit: 1000})
	if err != nil {
		log.Fatal(err)
	}
	node.OnConnecting(func(context.Context, centrifuge.ConnectEvent) (centrifuge.ConnectReply, error) {
		return centrifuge.ConnectReply{
			Credentials:        &centrifuge.Credentials{},
			WriteDelay:         writeDelay,
			WriteWithTimer:     true,
			MaxMessagesInFrame: -1,
		}, nil
	})
	node.OnConnect(func(client *centrifuge.Client) {
		client.OnSubscribe(func(_ centrifuge.SubscribeEvent, reply centrifuge.SubscribeCallback) {
			reply(centrifuge.SubscribeReply{}, nil)
		})
		client.OnPublish(func(event centrifuge.PublishEvent, reply centrifuge.PublishCallback) {
			result, err := node.Publish(event.Channel, event.Data)
			reply(centrifuge.PublishReply{Result: &result}, err)
		})
	})
	if err := node.Run(); err != nil {
		log.Fatal(err)
	}
	handler := centrifuge.NewWebsocketHandler(node, centrifuge.WebsocketConfig{
		CheckOrigin:        func(*http.Request) bool { return true },
		UseWriteBufferPool: true,
		WriteTimeout:       10 * time.Second,
	})
	http.Handle("/connection/websocket", handler)
	log.Fatal(http.ListenAndServe(os.Args[1], nil))
}
