<?php
/**
 * Export and erasure of personal data.
 *
 * @package LoyaltyHub
 */

namespace LoyaltyHub;

/**
 * The shop itself keeps the member's number alone; the rest is the hub's, and is exported from there.
 * Erasure in the hub is for its owner: the plugin's key has no right to it, on purpose.
 */
final class Privacy {

	private const ID    = 'loyalty-hub';
	private const LIMIT = 100;

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
	 * What the hub knows of an account.
	 *
	 * @param string $email Of the account.
	 * @param int    $page  From 1.
	 * @return array
	 */
	public function export( $email, $page = 1 ) {
		$member = self::member( $email );
		$data   = array();
		if ( null !== $member && Options::are_complete() ) {
			$data = self::of_member( $member, Account::ask( get_user_by( 'email', $email )->ID ) );
		}
		return array(
			'data' => $data,
			'done' => true,
		);
	}

	/**
	 * What is exported of a member.
	 *
	 * Of an account whose phone nobody has proved, the number alone: it may have been a stranger's.
	 *
	 * @param string $member Number in the hub.
	 * @param array  $told   What the hub says of the account.
	 * @return array[]
	 */
	private static function of_member( string $member, array $told ): array {
		if ( ( $told['id'] ?? null ) !== $member || true !== ( $told['verified'] ?? false ) ) {
			return array( self::item( __( 'Loyalty programme', 'loyalty-hub' ), $member, array( 'id' => $member ) ) );
		}
		$hub  = Transport::for_work();
		$path = '/members/' . rawurlencode( $member );
		$data = array( self::item( __( 'Loyalty programme', 'loyalty-hub' ), $member, $hub->call( 'GET', $path )->body ) );
		foreach ( (array) ( $hub->call( 'GET', $path . '/ledger?limit=' . self::LIMIT )->body['items'] ?? array() ) as $entry ) {
			$data[] = self::item( __( 'Movements of points', 'loyalty-hub' ), (string) ( $entry['id'] ?? '' ), (array) $entry );
		}
		return $data;
	}

	/**
	 * Forgets the member's number, and says who erases the rest.
	 *
	 * @param string $email Of the account.
	 * @param int    $page  From 1.
	 * @return array
	 */
	public function erase( $email, $page = 1 ) {
		$member   = self::member( $email );
		$messages = array();
		$user     = get_user_by( 'email', $email );
		if ( $user ) {
			delete_user_meta( $user->ID, Happenings::CONSENT );
		}
		if ( null !== $member ) {
			delete_user_meta( $user->ID, Account::META );
			/* translators: %s: number of a member */
			$messages[] = sprintf( __( 'The loyalty hub keeps points and receipts of member %s. Its owner erases them there: DELETE /api/v1/members/ and the number.', 'loyalty-hub' ), $member );
		}
		return array(
			'items_removed'  => null !== $member,
			'items_retained' => null !== $member,
			'messages'       => $messages,
			'done'           => true,
		);
	}

	/**
	 * The member's number of an account.
	 *
	 * @param string $email Of the account.
	 * @return string|null
	 */
	private static function member( string $email ): ?string {
		$user   = get_user_by( 'email', $email );
		$member = $user ? get_user_meta( $user->ID, Account::META, true ) : '';
		return is_string( $member ) && '' !== $member ? $member : null;
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
