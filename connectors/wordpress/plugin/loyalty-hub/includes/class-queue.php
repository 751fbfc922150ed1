<?php
/**
 * What the hub is told behind the buyer's back.
 *
 * @package LoyaltyHub
 */

namespace LoyaltyHub;

/**
 * Each message is an action of the Action Scheduler, which keeps it until it was carried out; one that
 * failed is planned again, since the scheduler itself repeats nothing (3.9.3).
 */
final class Queue {

	public const HINT    = 'hint';
	public const TIE     = 'tie';
	public const RELEASE = 'release';
	public const EVENT   = 'event';
	public const CONSENT = 'withdraw';
	public const HOOK    = 'loyalty_hub_message';
	public const GROUP   = 'loyalty-hub';

	/**
	 * The option that keeps the last number.
	 */
	private const NUMBER = 'loyalty_hub_number';

	/**
	 * Seconds after which a message is sent again; after the last of them it is given up.
	 */
	private const PAUSES = array( 60, 300, 900, 3600, 21600, 86400 );

	/**
	 * Listens.
	 */
	public function listen(): void {
		add_action( self::HOOK, array( $this, 'send' ), 10, 4 );
	}

	/**
	 * Queues a message, unless the same is waiting already.
	 *
	 * @param string $kind  One of the constants.
	 * @param int    $order Id of the order.
	 * @param string $text  Id of the hold, to release it; an event, or who withdrew a consent, as JSON.
	 */
	public static function add( string $kind, int $order, string $text = '' ): void {
		$message = array( $kind, $order, $text, 0 );
		if ( ! as_has_scheduled_action( self::HOOK, $message, self::GROUP ) ) {
			as_enqueue_async_action( self::HOOK, $message, self::GROUP );
		}
	}

	/**
	 * Queues that somebody has withdrawn the consent to processing, now.
	 *
	 * @param array $whom `member`, by the number in the hub; or `account`, of whom the hub could not be asked yet.
	 */
	public static function withdraw( array $whom ): void {
		if ( function_exists( 'as_enqueue_async_action' ) ) {
			self::add( self::CONSENT, 0, (string) wp_json_encode( $whom + array( 'at' => gmdate( 'c' ) ) ) );
		}
	}

	/**
	 * Sends one.
	 *
	 * @param string $kind    What it says.
	 * @param int    $order   Id of the order.
	 * @param string $text    Id of the hold, or an event.
	 * @param int    $attempt How often it was sent already.
	 * @throws \RuntimeException When it is given up, so that the scheduler shows it as failed.
	 */
	public function send( $kind, $order, $text, $attempt ): void {
		if ( Site::is_the_shop() && ! Options::are_complete() ) {
			return;
		}
		// A shop that has moved waits for its owner's word.
		$reply = Site::is_the_shop() ? $this->reply( (string) $kind, (int) $order, (string) $text ) : new Core\Reply( 0, array() );
		if ( null === $reply || $reply->is_ok() ) {
			return;
		}
		// A key or an address that is wrong today may be mended; anything else stays refused.
		$may_come = $reply->is_away() || in_array( $reply->status, array( 401, 403 ), true );
		if ( $may_come && isset( self::PAUSES[ $attempt ] ) ) {
			as_schedule_single_action( time() + self::PAUSES[ $attempt ], self::HOOK, array( $kind, $order, $text, $attempt + 1 ), self::GROUP );
			return;
		}
		// A hold that has ended, or was used by its purchase, needs nothing more; nor does an event that is
		// known, or a member who was erased meanwhile.
		if ( self::HINT === $kind || ! in_array( $reply->status, array( 404, 409 ), true ) ) {
			throw new \RuntimeException( esc_html( 'The hub answered ' . $reply->status . ' ' . $reply->code() ) );
		}
	}

	/**
	 * Carries a message over.
	 *
	 * @param string $kind  What it says.
	 * @param int    $order Id of the order.
	 * @param string $text  Id of the hold, or an event.
	 * @return Core\Reply|null Null: there is nothing to say any more.
	 */
	private function reply( string $kind, int $order, string $text ): ?Core\Reply {
		$hub = Transport::for_queue();
		if ( self::RELEASE === $kind ) {
			return $hub->call( 'DELETE', '/holds/' . rawurlencode( $text ) );
		}
		if ( self::EVENT === $kind ) {
			return $hub->call( 'POST', '/events', (array) json_decode( $text, true ) );
		}
		if ( self::CONSENT === $kind ) {
			return $this->withdrawal( $hub, (array) json_decode( $text, true ) );
		}
		if ( self::HINT === $kind ) {
			return $hub->hint( Options::get( 'connection' ), Options::get( 'secret' ), home_url( '/' ), $order, self::number() );
		}
		$found = wc_get_order( $order );
		$hold  = $found ? (string) $found->get_meta( Orders::HOLD ) : '';
		if ( '' === $hold ) {
			return null;
		}
		return $hub->call( 'PATCH', '/holds/' . rawurlencode( $hold ), array( 'order' => (string) $found->get_order_number() ) );
	}

	/**
	 * Tells of a withdrawn consent.  Of an account the hub is asked first: one that nobody vouches for
	 * may be a stranger's.
	 *
	 * @param Core\Hub $hub  The hub.
	 * @param array    $said As `withdraw` queued it.
	 * @return Core\Reply|null Null: the hub knows nobody by the account, or not for certain.
	 */
	private function withdrawal( Core\Hub $hub, array $said ): ?Core\Reply {
		$member = $said['member'] ?? null;
		if ( isset( $said['account'] ) ) {
			$reply = Account::question( (int) $said['account'], $hub );
			if ( null === $reply || ! $reply->is_ok() ) {
				return $reply;
			}
			$told   = $reply->body['member'] ?? array();
			$member = true === ( $told['verified'] ?? false ) ? $told['id'] ?? null : null;
		}
		if ( ! is_string( $member ) ) {
			return null;
		}
		$told = array(
			'purpose' => 'processing',
			'given'   => false,
			'at'      => $said['at'] ?? null,
			'place'   => 'site',
		);
		return $hub->call( 'POST', '/members/' . rawurlencode( $member ) . '/consents', array( 'consents' => array( $told ) ) );
	}

	/**
	 * The next number: each is larger than those before, whoever asks at once, and also after the plugin
	 * was deleted and installed again.  It is the clock's microseconds, or one more than the last.
	 *
	 * @return int
	 */
	public static function number(): int {
		global $wpdb;
		// The database counts, so that two runners never get the same; an option could not promise it.
		$next = $wpdb->prepare(
			"UPDATE {$wpdb->options} SET option_value = LAST_INSERT_ID( GREATEST( CAST( option_value AS UNSIGNED ) + 1, %d ) ) WHERE option_name = %s",
			(int) ( microtime( true ) * 1000000 ),
			self::NUMBER
		);
		if ( 1 !== $wpdb->query( $next ) ) { // phpcs:ignore WordPress.DB
			// By itself, since a row that is inserted takes LAST_INSERT_ID() for its own number.
			$wpdb->query( $wpdb->prepare( "INSERT IGNORE INTO {$wpdb->options} (option_name, option_value, autoload) VALUES (%s, '0', 'off')", self::NUMBER ) ); // phpcs:ignore WordPress.DB
			$wpdb->query( $next ); // phpcs:ignore WordPress.DB
		}
		return (int) $wpdb->get_var( 'SELECT LAST_INSERT_ID()' ); // phpcs:ignore WordPress.DB.DirectDatabaseQuery
	}
}
