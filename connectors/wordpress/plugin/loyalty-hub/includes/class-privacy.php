<?php
/**
 * Export and erasure of personal data.
 *
 * @package LoyaltyHub
 */

namespace LoyaltyHub;

/**
 * Beside an account the shop keeps the member's number, the balance that the hub writes there, a yes
 * or no, and offers for some minutes; the rest is the hub's, and is exported from there.
 * Erasure in the hub is for its owner: the plugin's key has no right to it, on purpose.  Who wishes
 * it has withdrawn the consent to processing, and that the hub is told.
 */
final class Privacy {

	private const ID    = 'loyalty-hub';
	private const LIMIT = 200;

	/**
	 * Pages of movements at most.
	 */
	private const PAGES = 500;

	/**
	 * Meta of an account that the hub writes (`connectors/wordpress/balances.py`), by the hub's names.
	 */
	private const FIGURES = array(
		'available' => 'loyalty_hub_available',
		'pending'   => 'loyalty_hub_pending',
	);

	/**
	 * Listens.
	 */
	public function listen(): void {
		add_filter( 'wp_privacy_personal_data_exporters', array( $this, 'add_exporter' ) );
		add_filter( 'wp_privacy_personal_data_erasers', array( $this, 'add_eraser' ) );
		add_action( 'admin_init', array( $this, 'suggest_policy' ) );
	}

	/**
	 * Words for the shop's privacy policy.
	 */
	public function suggest_policy(): void {
		wp_add_privacy_policy_content( __( 'Loyalty Hub', 'loyalty-hub' ), wp_kses_post( wpautop( __( 'For points and discounts this shop sends the contents of your basket, the number of your account and your phone to its loyalty hub, and the hub reads your orders with name, phone and e-mail. It is told of your reviews, and, if you agreed to it on the page of points, of articles that you look at and put into the cart.', 'loyalty-hub' ) ) ) );
	}

	/**
	 * Adds ours.
	 *
	 * @param array $exporters By id.
	 * @return array
	 */
	public function add_exporter( $exporters ) {
		$exporters[ self::ID ] = array(
			'exporter_friendly_name' => __( 'Loyalty Hub', 'loyalty-hub' ),
			'callback'               => array( $this, 'export' ),
		);
		return $exporters;
	}

	/**
	 * Adds ours.
	 *
	 * @param array $erasers By id.
	 * @return array
	 */
	public function add_eraser( $erasers ) {
		$erasers[ self::ID ] = array(
			'eraser_friendly_name' => __( 'Loyalty Hub', 'loyalty-hub' ),
			'callback'             => array( $this, 'erase' ),
		);
		return $erasers;
	}

	/**
	 * What the shop keeps beside an account, and what the hub knows of it.
	 *
	 * @param string $email Of the account.
	 * @param int    $page  From 1.
	 * @return array|\WP_Error The error where the hub does not tell what it keeps: an export without it
	 *                         would look whole.  Who has left the hub for good switches the plugin off.
	 */
	public function export( $email, $page = 1 ) {
		$user = get_user_by( 'email', $email );
		try {
			return array(
				'data' => $user ? self::of_account( $user->ID ) : array(),
				'done' => true,
			);
		} catch ( \RuntimeException $error ) {
			$why = __( 'The loyalty hub does not answer, so what it keeps would be missing. Please export once more later.', 'loyalty-hub' );
			if ( doing_action( 'wp_ajax_wp-privacy-export-personal-data' ) ) {
				wp_send_json_error( $why ); // Of an error that is no text its page makes "[object Object]" (WordPress 6.9, `wp-admin/js/privacy-tools.js`).
			}
			return new \WP_Error( 'loyalty_hub_away', $why );
		}
	}

	/**
	 * What is exported of an account.
	 *
	 * Where nobody has proved its phone, neither figures nor offers: it may have been a stranger's.
	 *
	 * @param int $user Id.
	 * @return array[]
	 */
	private static function of_account( int $user ): array {
		$told  = Account::told( self::answered( self::ask( $user ) ), $user );
		$known = true === ( $told['verified'] ?? false );
		$kept  = array_filter( self::kept( $user, $known ) );
		$data  = array() === $kept ? array() : array( self::item( __( 'Loyalty programme', 'loyalty-hub' ), 'account-' . $user, $kept ) );
		return $known ? array_merge( $data, self::of_member( $told['id'] ) ) : $data;
	}

	/**
	 * What the shop keeps beside an account.
	 *
	 * @param int  $user     Id.
	 * @param bool $is_known Whether somebody vouches for it.
	 * @return array By name; what is not kept is empty.
	 */
	private static function kept( int $user, bool $is_known ): array {
		$kept = array(
			'id'    => get_user_meta( $user, Account::META, true ),
			'watch' => get_user_meta( $user, Happenings::CONSENT, true ),
		);
		if ( ! $is_known ) {
			return $kept;
		}
		$offers = get_transient( Offers::KEPT . $user );
		return $kept + array_map( fn( string $name ) => get_user_meta( $user, $name, true ), self::FIGURES ) + array( 'offers' => is_array( $offers ) ? Account::items( $offers ) : array() );
	}

	/**
	 * What the hub tells of a member.
	 *
	 * @param string $member Number in the hub.
	 * @return array[]
	 */
	private static function of_member( string $member ): array {
		$hub    = Transport::for_work();
		$path   = '/members/' . rawurlencode( $member );
		$data   = array( self::item( __( 'Loyalty programme', 'loyalty-hub' ), $member, self::answered( $hub->call( 'GET', $path ) ) ) );
		$ledger = $path . '/ledger?limit=' . self::LIMIT;
		$next   = $ledger;
		for ( $page = 0; $page < self::PAGES && null !== $next; $page++ ) {
			$told = self::answered( $hub->call( 'GET', $next ) );
			foreach ( Account::items( $told ) as $entry ) {
				$data[] = self::item( __( 'Movements of points', 'loyalty-hub' ), (string) ( $entry['id'] ?? '' ), $entry );
			}
			$next = isset( $told['next_cursor'] ) ? $ledger . '&cursor=' . rawurlencode( (string) $told['next_cursor'] ) : null;
		}
		return $data;
	}

	/**
	 * Asks the hub of an account.
	 *
	 * @param int $user Id.
	 * @return Core\Reply|null Null where there is nobody to ask, or no name to ask by.
	 */
	private static function ask( int $user ): ?Core\Reply {
		return Options::are_complete() ? Account::question( $user, Transport::for_work() ) : null;
	}

	/**
	 * What the hub answered.
	 *
	 * @param Core\Reply|null $reply Null: there was nothing to ask.
	 * @return array
	 * @throws \RuntimeException If it may answer later.
	 */
	private static function answered( ?Core\Reply $reply ): array {
		if ( null !== $reply && $reply->is_away() ) {
			throw new \RuntimeException( 'The hub does not answer.' );
		}
		return null !== $reply && $reply->is_ok() ? $reply->body : array();
	}

	/**
	 * Forgets what is kept beside the account, tells the hub, and says who erases the rest.
	 *
	 * @param string $email Of the account.
	 * @param int    $page  From 1.
	 * @return array
	 */
	public function erase( $email, $page = 1 ) {
		$user    = get_user_by( 'email', $email );
		$reply   = $user ? self::ask( $user->ID ) : null;
		$told    = null !== $reply && $reply->is_ok() ? Account::told( $reply->body, $user->ID ) : array();
		$member  = $user ? (string) get_user_meta( $user->ID, Account::META, true ) : '';
		$is_away = null !== $reply && $reply->is_away();
		if ( $is_away ) {
			Queue::withdraw( array( 'account' => $user->ID ) );
			$message = __( 'The loyalty hub does not answer now. Once it does, it is told that this account wishes to be erased, if it knows the account as proved. Points and receipts are erased in its console.', 'loyalty-hub' );
		} else {
			$message = self::tell( $member, true === ( $told['verified'] ?? false ) );
		}
		return array(
			'items_removed'  => $user && self::forget( $user->ID ),
			'items_retained' => '' !== $member || $is_away,
			'messages'       => '' === Options::get( 'url' ) && '' === $member ? array() : array( $message ),
			'done'           => true,
		);
	}

	/**
	 * Tells the hub of a wish to be erased, and says who erases there.
	 *
	 * Of an account that nobody vouches for the hub is told nothing: the member may be a stranger.
	 *
	 * @param string $member    Number in the hub; empty: it knows nobody by the account.
	 * @param bool   $is_proved Whether somebody vouches for the account.
	 * @return string
	 */
	private static function tell( string $member, bool $is_proved ): string {
		if ( '' === $member ) {
			return __( 'If this person has bought as a guest or at a till, the loyalty hub may know them by phone or e-mail: please look for them in its console, under Members.', 'loyalty-hub' );
		}
		if ( ! $is_proved ) {
			/* translators: %s: number of a member */
			return sprintf( __( 'The loyalty hub keeps points and receipts of member %s. They are erased there, on the member\'s page of its console.', 'loyalty-hub' ), $member );
		}
		Queue::withdraw( array( 'member' => $member ) );
		/* translators: %s: number of a member */
		return sprintf( __( 'The loyalty hub is told that member %s wishes to be erased. Points and receipts are erased there, on the member\'s page of its console.', 'loyalty-hub' ), $member );
	}

	/**
	 * Forgets what is kept beside an account.
	 *
	 * @param int $user Id.
	 * @return bool Whether there was anything.
	 */
	private static function forget( int $user ): bool {
		$removed = delete_transient( Offers::KEPT . $user );
		foreach ( array( Account::META, Happenings::CONSENT, ...array_values( self::FIGURES ) ) as $name ) {
			$removed = delete_user_meta( $user, $name ) || $removed;
		}
		return $removed;
	}

	/**
	 * An item of the export.
	 *
	 * @param string $group Title of its group.
	 * @param string $id    Of the item.
	 * @param array  $facts As the hub tells them.
	 * @return array
	 */
	private static function item( string $group, string $id, array $facts ): array {
		$data = array();
		foreach ( $facts as $name => $value ) {
			if ( null !== $value && array() !== $value ) {
				$data[] = array(
					'name'  => (string) $name,
					'value' => is_scalar( $value ) ? (string) $value : (string) wp_json_encode( $value, JSON_UNESCAPED_UNICODE ),
				);
			}
		}
		return array(
			'group_id'    => self::ID . '-' . md5( $group ),
			'group_label' => $group,
			'item_id'     => $id,
			'data'        => $data,
		);
	}
}
